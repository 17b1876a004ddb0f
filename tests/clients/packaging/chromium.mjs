// Drives a headless Chromium by the DevTools protocol, through a pipe: no WebSocket, no package.
import { spawn } from 'node:child_process';
import fs from 'node:fs';

export class Browser {
  #process;
  #calls = 0;
  #waiting = new Map();
  #session;
  errors = []; // what the page's console says is wrong

  static async start(command, profile) {
    const browser = new Browser();
    const root = process.getuid() === 0 ? ['--no-sandbox'] : [];
    browser.#process = spawn(command, ['--headless=new', '--remote-debugging-pipe', `--user-data-dir=${profile}`, '--disable-gpu', '--no-first-run',
      '--disable-dev-shm-usage', '--disable-background-networking', ...root, 'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    browser.#process.on('exit', (code) => {
      for (const { reject } of browser.#waiting.values()) reject(new Error(`Chromium ended (${code})`));
    });
    let rest = Buffer.alloc(0);
    browser.#process.stdio[4].on('data', (data) => {
      rest = Buffer.concat([rest, data]);
      for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
        browser.#heard(JSON.parse(rest.subarray(0, end).toString()));
        rest = rest.subarray(end + 1);
      }
    });
    const { targetInfos } = await browser.#call('Target.getTargets');
    const page = targetInfos.find(({ type }) => type === 'page');
    browser.#session = (await browser.#call('Target.attachToTarget', { targetId: page.targetId, flatten: true })).sessionId;
    for (const domain of ['Page', 'Runtime', 'Log', 'DOM']) await browser.send(`${domain}.enable`);
    return browser;
  }

  #heard(message) {
    if (message.id) {
      const { resolve, reject } = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error) reject(new Error(message.error.message));
      else resolve(message.result);
    } else if (message.method === 'Runtime.exceptionThrown') {
      const { exception, text } = message.params.exceptionDetails;
      this.errors.push(exception?.description ?? text);
    } else if (message.method === 'Log.entryAdded' && message.params.entry.level === 'error') {
      this.errors.push(message.params.entry.text);
    }
  }

  #call(method, params = {}, sessionId = undefined) {
    return new Promise((resolve, reject) => {
      this.#waiting.set(++this.#calls, { resolve, reject });
      this.#process.stdio[3].write(`${JSON.stringify({ id: this.#calls, method, params, sessionId })}\0`);
    });
  }

  send(method, params) { return this.#call(method, params, this.#session); }

  async open(url) {
    await this.send('Page.navigate', { url });
    await this.until(`document.readyState === 'complete' && location.href !== 'about:blank'`);
  }

  /** The value of an expression in the page. */
  async value(expression) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until an expression is true, and gives its value. */
  async until(expression, seconds = 120) {
    for (const end = Date.now() + seconds * 1000; ;) {
      const value = await this.value(expression);
      if (value) return value;
      if (Date.now() > end) throw new Error(`after ${seconds} s this is still not so: ${expression}; the page says: ${await this.value('document.body?.innerText.slice(0, 800)')}`);
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }

  async chooseFile(selector, file) {
    const { root } = await this.send('DOM.getDocument');
    const { nodeId } = await this.send('DOM.querySelector', { nodeId: root.nodeId, selector });
    await this.send('DOM.setFileInputFiles', { nodeId, files: [file] });
  }

  async screenshot(file, { width = 1200, height = 900, scheme = 'light', full = false } = {}) {
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    const { data } = await this.send('Page.captureScreenshot', { captureBeyondViewport: full });
    fs.writeFileSync(file, Buffer.from(data, 'base64'));
  }

  async close() {
    const ended = new Promise((resolve) => { this.#process.on('exit', resolve); });
    await this.#call('Browser.close').catch(() => {});
    await ended;
  }
}
