// A list of any length: only the rows in sight exist, and only the blocks of rows that were seen are asked for.
// Files that this page still sends come first, then those of the server in its order.

import { json, sizeText } from "./net.js";

const HEIGHT = 56;
const BEYOND = 6;
const BLOCK = 50;
const REFRESH_MS = 300;

export class FileList {
  #blocks = new Map();
  #asked = new Set();
  #rows = new Map();
  #local = [];
  #failed = false;
  #total = 0;
  #generation = 0;
  #timer = 0;
  #frame = 0;

  constructor(place, { retry, retryLocal, open }) {
    this.actions = { retry, retryLocal, open };
    this.window = element("div", "window");
    this.window.tabIndex = 0;
    this.window.setAttribute("role", "table");
    this.window.setAttribute("aria-labelledby", "list-title");
    this.sizer = element("div", "sizer");
    this.sizer.setAttribute("role", "rowgroup");
    this.window.append(this.sizer);
    place.append(this.window);
    this.window.addEventListener("scroll", () => this.#draw(), { passive: true });
    new ResizeObserver(() => this.#draw()).observe(this.window);
  }

  /** Show the files that failed, or all. */
  show(failed) {
    this.#failed = failed;
    this.#blocks.clear();
    this.window.scrollTop = 0;
    this.invalidate(true);
  }

  /** The files that this page still has. */
  set local(items) {
    this.#local = this.#failed ? items.filter((item) => item.status === "failed") : items;
    this.#draw();
  }

  get length() {
    return this.#local.length + this.#total;
  }

  /** What is shown may have changed: the blocks in sight are asked for again, at most a few times a second. */
  invalidate(now = false) {
    if (now) {
      clearTimeout(this.#timer);
      this.#timer = 0;
      this.#refresh();
    } else {
      this.#timer ||= setTimeout(() => {
        this.#timer = 0;
        this.#refresh();
      }, REFRESH_MS);
    }
  }

  #refresh() {
    this.#generation += 1;
    this.#asked.clear();
    const [first, last] = this.#inSight();
    const blocks = new Set();
    for (let index = first; index < last; index += 1) {
      const offset = index - this.#local.length;
      if (offset >= 0) blocks.add(Math.floor(offset / BLOCK));
    }
    if (!blocks.size) blocks.add(0);
    for (const known of this.#blocks.keys()) if (!blocks.has(known)) this.#blocks.delete(known);
    for (const block of blocks) this.#ask(block);
  }

  async #ask(block) {
    if (this.#asked.has(block)) return;
    this.#asked.add(block);
    const generation = this.#generation;
    try {
      const answer = await json(`/api/files?offset=${block * BLOCK}&limit=${BLOCK}${this.#failed ? "&failed=1" : ""}`);
      if (generation !== this.#generation) return;
      this.#blocks.set(block, answer.rows);
      this.#total = answer.total;
      this.#draw();
    } catch {
      // The next event asks again; what was shown stays.
      this.#asked.delete(block);
    }
  }

  #inSight() {
    const top = Math.floor(this.window.scrollTop / HEIGHT);
    const shown = Math.ceil(this.window.clientHeight / HEIGHT);
    return [Math.max(0, top - BEYOND), Math.min(this.length, top + shown + BEYOND)];
  }

  #draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#drawNow();
    });
  }

  #drawNow() {
    this.sizer.style.height = `${this.length * HEIGHT}px`;
    this.window.setAttribute("aria-rowcount", String(this.length));
    document.getElementById("empty").hidden = this.length > 0;
    this.window.hidden = this.length === 0;
    const [first, last] = this.#inSight();
    for (const [index, row] of this.#rows) {
      if (index < first || index >= last) {
        row.root.remove();
        this.#rows.delete(index);
      }
    }
    for (let index = first; index < last; index += 1) this.#drawRow(index);
  }

  #drawRow(index) {
    let row = this.#rows.get(index);
    if (!row) {
      row = makeRow(index, this.actions);
      this.#rows.set(index, row);
      // In the order of the list, so that Tab and a screen reader meet them so.
      const next = [...this.#rows.keys()].filter((other) => other > index).sort((a, b) => a - b)[0];
      this.sizer.insertBefore(row.root, next === undefined ? null : this.#rows.get(next).root);
    }
    if (index < this.#local.length) {
      row.fill(localRow(this.#local[index]));
      return;
    }
    const offset = index - this.#local.length;
    const block = Math.floor(offset / BLOCK);
    const known = this.#blocks.get(block)?.[offset % BLOCK];
    if (known) row.fill(known);
    else {
      row.fill({ name: "…", words: "", status: "pending", error: "", size: null });
      this.#ask(block);
    }
  }
}

function localRow(item) {
  const percent = Math.round(item.share * 100);
  const words = {
    waiting: "Waiting to be sent",
    sending: item.share >= 0.95 ? `Finishing ${percent} %` : `Sending ${percent} %`,
    failed: "Not sent",
  }[item.status];
  return { local: item, name: item.name, size: item.size, status: item.status, words, error: item.error };
}

function element(tag, className, role) {
  const made = document.createElement(tag);
  made.className = className;
  if (role) made.setAttribute("role", role);
  return made;
}

function makeRow(index, actions) {
  const root = element("div", "row", "row");
  root.setAttribute("aria-rowindex", String(index + 1));
  root.style.top = `${index * HEIGHT}px`;
  const file = element("div", "file", "cell");
  const name = element("div", "name");
  const error = element("span", "error");
  file.append(name, error);
  const size = element("div", "size", "cell");
  const where = element("div", "where", "cell");
  const state = element("div", "state");
  where.append(state);
  const act = element("div", "act", "cell");
  root.append(file, size, where, act);
  let shown = "";
  let data = null;
  const button = element("button", "");
  button.type = "button";
  button.textContent = "Retry";
  button.addEventListener("click", () => (data.local ? actions.retryLocal(data.local) : actions.retry(data)));

  const fill = (next) => {
    data = next;
    const key = `${next.id ?? next.local?.key}|${next.name}|${next.size}|${next.status}|${next.words}|${next.error}`;
    if (key === shown) return;
    shown = key;
    name.textContent = name.title = next.name;
    error.textContent = error.title = next.error || "";
    error.hidden = !next.error;
    size.textContent = next.size === null ? "" : sizeText(next.size);
    state.textContent = next.duplicate ? `${next.words} (same as another file)` : next.words;
    state.title = next.error || "";
    state.className = `state ${next.status}`;
    root.className = `row ${next.status}`;
    const failed = next.status === "failed";
    if (failed && !button.isConnected) act.append(button);
    if (!failed && button.isConnected) {
      if (document.activeElement === button) button.closest(".window").focus({ preventScroll: true });
      button.remove();
    }
    button.setAttribute("aria-label", `Retry ${next.name}`);
  };
  return { root, fill };
}
