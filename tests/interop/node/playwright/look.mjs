// Opens pages in Chromium and tells what it saw. In: {chromium, looks: [{page, width, height, scheme, script, media,
// do: [...]}]}. Out: one line of JSON, a list with what each look saw.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const PATIENCE_MS = 120_000; // a machine whose cores are all busy is slow, not wrong
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions",
];

const actions = {
  press: (page, key) => page.keyboard.press(key),
  type: (page, text) => page.keyboard.type(text),
  click: (page, selector) => page.click(selector),
  focus: (page, selector) => page.focus(selector),
  until: (page, selector) => page.waitForSelector(selector, { state: "attached" }),
  reload: (page) => page.reload(),
  dispatch: (page, name) => page.evaluate((event) => void window.dispatchEvent(new Event(event)), name),
  shot: (page, path) => page.screenshot({ path }),
};

/** Where the focus is, and whether one sees it. */
function active() {
  const element = document.activeElement, style = getComputedStyle(element);
  return {
    tag: element.tagName.toLowerCase(), id: element.id, name: element.className?.baseVal ?? element.className,
    text: element.textContent.trim().slice(0, 60), href: element.getAttribute("href"),
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
  };
}

/** What the page looks like now, measured inside of it. */
function measure() {
  const shown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const rgba = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const luminance = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    const bar = element.tagName === "text" && element.parentElement.querySelector(":scope > rect");
    if (bar) return rgba(getComputedStyle(bar).fill);
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour.a === 1) return colour;
    }
    return { r: 255, g: 255, b: 255 };
  };
  const contrast = (element) => {
    const style = getComputedStyle(element);
    const [one, other] = [rgba(element.tagName === "text" ? style.fill : style.color), ground(element)].map(luminance);
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  };
  const faint = new Map();
  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || ["SCRIPT", "title"].includes(element.tagName) || !shown(element)) continue;
    texts += 1;
    const ratio = contrast(element);
    if (ratio < 4.5) faint.set(`${element.tagName}.${element.getAttribute("class")}`, ratio);
  }
  const first = [...document.querySelectorAll(".title, .lead, .meaning, .worst a, .refusals li")]
    .filter((element) => shown(element) && element.getBoundingClientRect().bottom <= innerHeight)
    .map((element) => element.textContent.trim().replace(/\s+/g, " "));
  const nameless = [...document.querySelectorAll("a, button, input, summary, img, svg[role=img], [role=region]")]
    .filter((element) => !(element.ariaLabel || element.getAttribute("aria-label") || element.alt
      || element.labels?.length || element.textContent.trim()))
    .map((element) => element.outerHTML.slice(0, 80));
  return {
    width: document.documentElement.scrollWidth, height: document.documentElement.scrollHeight, texts, faint: Object.fromEntries(faint), first, nameless,
    theme: document.documentElement.dataset.theme ?? "system",
    page: getComputedStyle(document.body).backgroundColor,
    entries: [...document.querySelectorAll("#listing > li")].filter(shown).map((entry) => entry.id),
    output: document.querySelector("#filters output")?.textContent,
    filters: Boolean(document.getElementById("filters") && shown(document.getElementById("filters"))), bar: shown(document.querySelector("nav")),
    opened: [...document.querySelectorAll("#listing > li > details[open]")].map((details) => details.parentElement.id),
    closedStories: document.querySelectorAll(".card details:not([open])").length,
    scripts: document.scripts.length, headings: [...document.querySelectorAll("h1, h2, h3, h4")].map((h) => Number(h.tagName[1])),
    landmarks: ["header", "nav", "main", "footer"].filter((name) => document.querySelectorAll(name).length === 1),
    pictures: [...document.images].map((image) => image.naturalWidth),
    small: [...document.querySelectorAll("button, .chip, summary, .worst a")]
      .filter((element) => shown(element) && element.getBoundingClientRect().height < 24).map((it) => it.outerHTML.slice(0, 80)),
  };
}

/** What axe, the judge of accessibility that others wrote, has against the page. */
async function judged(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.length}, first ${nodes[0].html.slice(0, 120)}`);
}

async function look(browser, { page: path, width, height, scheme, script = true, media = "screen", do: steps = [] }) {
  const context = await browser.newContext({
    viewport: { width, height }, colorScheme: scheme, javaScriptEnabled: script, reducedMotion: "reduce",
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const seen = { console: [], requests: [], dialogs: 0, active: [], measures: [], axe: [] };
  page.on("console", (message) => seen.console.push(message.text()));
  page.on("pageerror", (error) => seen.console.push(String(error)));
  page.on("dialog", (dialog) => { seen.dialogs += 1; dialog.dismiss(); });
  page.on("request", (request) => {
    if (!request.url().startsWith("data:") && request.url().split("#")[0] !== path) seen.requests.push(request.url());
  });
  await page.emulateMedia({ media });
  await page.goto(path);
  for (const [action, argument] of [...steps, ["active"], ["measure"]]) {
    if (action === "active") seen.active.push(await page.evaluate(active));
    else if (action === "axe") seen.axe.push(...await judged(page));
    else if (action === "measure") seen.measures.push(await page.evaluate(measure));
    else await actions[action](page, argument);
  }
  await context.close();
  return seen;
}

const request = JSON.parse(readFileSync(0, "utf8"));
const browser = await chromium.launch({ executablePath: request.chromium, args: FLAGS });
const seen = [];
for (const one of request.looks) seen.push(await look(browser, one));
await browser.close();
console.log(JSON.stringify(seen));
