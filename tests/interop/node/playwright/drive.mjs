// Chromium as somebody who uses a page: one command a line of JSON on standard input, one answer a line on standard output.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions",
];

let browser, context, page;
const told = [];

const commands = {
  async open({ chromium: executablePath, url, width = 1280, height = 900, scheme = "light", script = true }) {
    browser ??= await chromium.launch({ executablePath, args: FLAGS });
    await context?.close();
    context = await browser.newContext({
      viewport: { width, height }, colorScheme: scheme, javaScriptEnabled: script, bypassCSP: true,
    });
    page = await context.newPage();
    page.on("console", (message) => message.type() === "error" && told.push(message.text()));
    page.on("pageerror", (error) => told.push(String(error)));
    await page.goto(url);
  },
  /** Drop files and folders of this machine on an element, as a person does from a file manager. */
  async drop({ selector, paths }) {
    const box = await page.locator(selector).boundingBox();
    const client = await context.newCDPSession(page);
    const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    const data = { items: [], files: paths, dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"]) await client.send("Input.dispatchDragEvent", { type, ...at, data });
  },
  until: ({ expression, timeout = 60000 }) => page.waitForFunction(expression, null, { timeout, polling: 50 }).then(() => true),
  evaluate: ({ expression }) => page.evaluate(expression),
  texts: ({ selector }) => page.locator(selector).allTextContents(),
  click: ({ selector }) => page.click(selector),
  press: ({ key }) => page.keyboard.press(key),
  type: ({ text }) => page.keyboard.type(text),
  focus: ({ selector }) => page.focus(selector),
  size: ({ width, height }) => page.setViewportSize({ width, height }),
  scheme: ({ scheme }) => page.emulateMedia({ colorScheme: scheme }),
  shot: ({ path, full = true }) => page.screenshot({ path, fullPage: full }).then(() => true),
  errors: () => told.splice(0),
  async axe() {
    await page.evaluate(AXE);
    const found = await page.evaluate(() => globalThis.axe.run());
    return found.violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html.slice(0, 100)).join(" ")}`);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...options } = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await commands[name](options)) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  console.log(JSON.stringify(answer));
}
await browser?.close();
