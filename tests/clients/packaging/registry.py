"""A registry of npm on this machine, with the tarballs of a folder, so that `npm install sqlite-art` itself is tested.

    registry.py <folder>        says its address in a line, and serves until its input ends
"""
import base64
import hashlib
import http.server
import json
import os
import sys
import tarfile
import threading

folder = sys.argv[1]
packages = {}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.lstrip("/")
        path = os.path.join(folder, name)
        found = True
        if name in packages:
            body = json.dumps(packages[name]).encode()
        elif os.path.dirname(name) == "" and os.path.isfile(path):
            with open(path, "rb") as file:
                body = file.read()
        else:
            found, body = False, b"{}"
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
address = f"http://127.0.0.1:{server.server_port}/"
for tarball in sorted(os.listdir(folder)):
    path = os.path.join(folder, tarball)
    with tarfile.open(path) as archive:
        package = json.load(archive.extractfile("package/package.json"))
    with open(path, "rb") as file:
        digest = base64.b64encode(hashlib.sha512(file.read()).digest()).decode()
    package["dist"] = {"tarball": address + tarball, "integrity": f"sha512-{digest}"}
    version = package["version"]
    packages[package["name"]] = {"name": package["name"], "dist-tags": {"latest": version}, "versions": {version: package}}
threading.Thread(target=server.serve_forever, daemon=True).start()
print(address, flush=True)
sys.stdin.read()
