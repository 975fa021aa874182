// Sending files: a slot for each, the bytes, and their completion. Two files at once, three while nothing fails.
//
//   waiting ──▶ sending (0 to 95 %) ──▶ finishing (to 100 %) ──▶ gone from here: the server lists it
//                  │ expired slot: a new one; 5xx: again after 1, 2, 4 s; no connection: waits for the server
//                  └─▶ failed, until a person retries it

import { Refused, Unreachable, jitter, json, post, reachable, wait } from "./net.js";

const BASE = 2;
const MOST = 3;
const TRIES = { slot: 3, put: 5, complete: 3 };
const STALLED_MS = 30000;
const LARGEST_HASHED = 256 * 1024 * 1024;
const LEFT_OUT = /(^\.|^thumbs\.db$|^desktop\.ini$|\.(xmp|aae|thm)$)/i;

export class Uploads extends EventTarget {
  items = [];
  left = 0;
  #busy = 0;
  #width = BASE;
  #good = 0;
  #gate = Promise.resolve();
  #gated = false;
  #next = 0;
  #told = 0;

  /** Take files; returns how many were left out because their names say that they are no photos of anybody. */
  add(files) {
    let out = 0;
    for (const file of files) {
      if (LEFT_OUT.test(file.name)) out += 1;
      else this.items.push({ key: `local-${(this.#next += 1)}`, file, name: file.name, size: file.size, status: "waiting", share: 0, error: "" });
    }
    this.left += out;
    this.#change();
    this.#fill();
    return out;
  }

  retry(item) {
    if (item.status !== "failed") return;
    item.status = "waiting";
    item.error = "";
    this.#change();
    this.#fill();
  }

  retryAll() {
    for (const item of this.items) this.retry(item);
  }

  get failed() {
    return this.items.reduce((count, item) => count + (item.status === "failed"), 0);
  }

  get active() {
    return this.items.length - this.failed;
  }

  #change() {
    // At most one event a frame, however many files report progress.
    this.#told ||= requestAnimationFrame(() => {
      this.#told = 0;
      this.dispatchEvent(new Event("change"));
    });
  }

  #fill() {
    while (this.#busy < this.#width) {
      const item = this.items.find((one) => one.status === "waiting");
      if (!item) return;
      item.status = "sending";
      this.#busy += 1;
      this.#run(item).finally(() => {
        this.#busy -= 1;
        this.#change();
        this.#fill();
      });
    }
  }

  async #run(item) {
    try {
      await this.#send(item);
      this.items.splice(this.items.indexOf(item), 1);
      this.#good += 1;
      if (this.#good >= 10) this.#width = MOST;
    } catch (error) {
      item.status = "failed";
      item.error = error.message || String(error);
      this.#good = 0;
      this.#width = BASE;
    }
  }

  async #send(item) {
    const tries = { slot: 0, put: 0, complete: 0 };
    let slot = null;
    let stored = false;
    let sha256;
    for (;;) {
      await this.#gate;
      const step = !slot ? "slot" : stored ? "complete" : "put";
      try {
        if (step === "slot") {
          slot = await json(`/api/upload-url?filename=${encodeURIComponent(item.name)}&size=${item.size}`);
        } else if (step === "put") {
          sha256 ??= await hashed(item.file);
          await this.#put(slot.uploadUrl, item);
          stored = true;
        } else {
          item.share = 0.97;
          this.#change();
          const body = { assetId: slot.assetId, filename: item.name, size: item.size, mimeType: item.file.type, sha256 };
          const answer = await post("/api/upload-complete", body);
          this.dispatchEvent(new CustomEvent("stored", { detail: answer.asset }));
          return;
        }
      } catch (error) {
        if (error instanceof Unreachable) {
          await this.#closeGate(reachable());
          continue;
        }
        if (!(error instanceof Refused)) throw error;
        if (error.status === 429) {
          await this.#limited(error.retryAfter);
          continue;
        }
        if (error.code === "slot_expired" || error.code === "no_slot" || error.code === "slot_in_use") [slot, stored] = [null, false];
        else if (error.code === "no_bytes" || error.code === "other_bytes" || error.code === "broken_off") stored = false;
        else if (error.status < 500 || error.status === 507) throw error;
        tries[step] += 1;
        if (tries[step] >= TRIES[step]) throw error;
        await wait(jitter(tries[step] - 1) + 200);
      }
    }
  }

  /** Nothing is sent before `opened`: one gate for all, for a rate limit as for a server that is away. */
  #closeGate(opened) {
    if (!this.#gated) {
      this.#gated = true;
      this.#gate = opened.finally(() => {
        this.#gated = false;
        this.dispatchEvent(new CustomEvent("gate", { detail: null }));
      });
    }
    return this.#gate;
  }

  #limited(seconds) {
    const told = Math.max(1, seconds);
    if (!this.#gated) this.dispatchEvent(new CustomEvent("gate", { detail: told }));
    return this.#closeGate(wait(told * 1000 + jitter(0)));
  }

  #put(url, item) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      let stalled;
      const watch = () => {
        clearTimeout(stalled);
        stalled = setTimeout(() => request.abort(), STALLED_MS);
      };
      request.open("PUT", url);
      request.upload.onprogress = (event) => {
        item.share = (0.95 * event.loaded) / Math.max(1, event.total);
        watch();
        this.#change();
      };
      request.onabort = request.onerror = () => {
        clearTimeout(stalled);
        reject(new Unreachable("the connection broke off"));
      };
      request.onload = () => {
        clearTimeout(stalled);
        if (request.status < 300) return resolve();
        let body = {};
        try {
          body = JSON.parse(request.responseText);
        } catch {
          body = {};
        }
        return reject(new Refused(request.status, body, request.getResponseHeader("Retry-After")));
      };
      watch();
      request.send(item.file);
    });
  }
}

/** SHA-256 as 64 hexadecimal digits; undefined where the browser cannot, or the file is too large to be read at once. */
async function hashed(file) {
  if (!globalThis.crypto?.subtle || file.size > LARGEST_HASHED) return undefined;
  let bytes;
  try {
    bytes = await file.arrayBuffer();
  } catch {
    throw new Error("The file cannot be read any more: it was moved, changed or removed");
  }
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** All files of what was dropped, folders and the folders in them included. */
export async function dropped(transfer) {
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return Array.from(transfer.files);
  const files = [];
  for (const entry of entries) await walk(entry, files);
  return files;
}

async function walk(entry, files) {
  if (entry.isFile) {
    files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // A folder is read a hundred entries at a time, until there are none.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const inner of some) await walk(inner, files);
  }
}
