"""What both clusters need: the table as a dictionary of paths, the questions that each node is asked, processes."""
import ctypes
import signal
import socket
import subprocess


def free_port():
    """Somebody else may take it before the server does; then that says so, and the test fails."""
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


def start(command, log=None, environment=None):
    """A process that dies with this one."""
    libc = ctypes.CDLL(None)
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                            preexec_fn=lambda: libc.prctl(1, signal.SIGKILL))


def expected_listing(rows, prefix):
    """One directory level of ordered rows, as t(prefix, '/') gives it."""
    listing = {}
    for path, content in rows:
        name, slash, _ = path[len(prefix):].partition("/")
        listing[prefix + name + slash] = None if slash else content
    return [list(row) for row in listing.items()]


def first_difference(got, expected):
    for index, (left, right) in enumerate(zip(got, expected)):
        if left != right:
            return f"row {index} is {left}, not {right}"
    return f"{len(got)} rows, not {len(expected)}"


def compare(name, ask, model, prefixes):
    """Rows, listings, counts, GLOB and art_check(), asked by ask(sql), which gives rows as lists."""
    ordered = [[path, model[path]] for path in sorted(model)]
    questions = [("SELECT path, value FROM t ORDER BY path", ordered), ("SELECT art_check('t')", [["ok"]])]
    for prefix in prefixes:
        below = [row for row in ordered if row[0].startswith(prefix)]
        questions += [(f"SELECT * FROM t('{prefix}', '/')", expected_listing(below, prefix)),
                      (f"SELECT path, value FROM t WHERE path GLOB '{prefix}*'", below),
                      (f"SELECT art_count('t', '{prefix}')", [[len(below)]])]
    for sql, rows in questions:
        got = ask(sql)
        assert got == rows, f"{name}: {sql}: {first_difference(got, rows)}"


def show_header(rows, transaction):
    print(f"{rows} rows, in transactions of {transaction}  p50 of COMMIT    p99  replicated a row")


def show(name, milliseconds, bytes_per_row):
    """The milliseconds are in order."""
    middle, last = (milliseconds[int(len(milliseconds) * share)] for share in (.5, .99))
    print(f"{name:24}{middle:10.1f} ms{last:10.1f} ms{bytes_per_row:12.0f} bytes")
