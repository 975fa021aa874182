// The page: takes what is dropped, follows the server's events, and shows both.

import { FileList } from "./list.js";
import { Gallery } from "./gallery.js";
import { Uploads, dropped } from "./uploads.js";
import { Unreachable, json, post } from "./net.js";

const STREAM = "/api/sse/processing-updates";
const SPOKEN_MS = 10000;
const REOPEN_MS = 1500;

const at = (id) => document.getElementById(id);
const uploads = new Uploads();
const gallery = new Gallery();
const list = new FileList(at("list"), { retry, retryLocal: (item) => uploads.retry(item) });
let stats = null;
let lastId = "";
let spokenAt = 0;

function begin() {
  at("plain").remove();
  document.querySelector(".pager").remove();
  for (const id of ["drop", "views", "connection"]) at(id).hidden = false;
  connect();
  list.show(false);
}

// -- live ------------------------------------------------------------------------------------------------------

function connect() {
  const source = new EventSource(lastId ? `${STREAM}?after=${lastId}` : STREAM);
  source.onopen = () => connection(true);
  source.onmessage = (event) => {
    lastId = event.lastEventId || lastId;
    const message = JSON.parse(event.data);
    stats = message.stats;
    connection(true);
    show();
    if (message.changed === null || message.changed.length) list.invalidate();
  };
  source.onerror = () => {
    connection(false);
    // The browser opens a lost stream again by itself, but for an answer that is none of a stream.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, REOPEN_MS);
  };
}

function connection(live) {
  at("connection").classList.toggle("lost", !live);
  at("connection-text").textContent = live ? "Live" : "Connection lost, trying again";
}

function show() {
  if (!stats) return;
  const mine = uploads.items.length;
  phase("phase-upload", stats.uploaded, stats.total + mine);
  phase("phase-process", stats.processed, stats.images);
  phase("phase-embed", stats.embedded, stats.images);
  const failed = stats.failed + uploads.failed;
  at("drop").classList.toggle("small", stats.total + mine > 0);
  at("failures").hidden = failed === 0;
  document.querySelector("[data-failed]").textContent = failed;
  at("failure-classes").textContent = Object.entries(stats.failures)
    .map(([name, count]) => `${name.replace("_", " ")}: ${count}`)
    .concat(uploads.failed ? [`not sent: ${uploads.failed}`] : [])
    .join(" · ");
  document.title = mine ? `${stats.uploaded}/${stats.total + mine} · Bulk upload` : "Bulk upload";
  speak(failed);
}

function phase(id, done, total) {
  const place = at(id);
  place.querySelector("[data-done]").textContent = done;
  place.querySelector("[data-total]").textContent = total;
  const bar = place.querySelector("progress");
  bar.max = Math.max(1, total);
  bar.value = done;
}

/** What a screen reader is told: a sentence, and not with each file. */
function speak(failed) {
  const now = Date.now();
  if (now - spokenAt < SPOKEN_MS || (!stats.total && !uploads.items.length)) return;
  spokenAt = now;
  const text =
    `${stats.uploaded} of ${stats.total + uploads.items.length} uploaded, ${stats.processed} processed, ` +
    `${stats.embedded} searchable${failed ? `, ${failed} failed` : ""}`;
  if (at("spoken").textContent !== text) at("spoken").textContent = text;
}

function notice(text) {
  at("notice").textContent = text;
  at("notice").hidden = !text;
}

// -- what a person does ----------------------------------------------------------------------------------------

uploads.addEventListener("change", () => {
  list.local = uploads.items;
  show();
});
uploads.addEventListener("stored", () => list.invalidate());
uploads.addEventListener("gate", ({ detail: seconds }) => {
  notice(seconds ? `Upload rate limited. Retrying in ${seconds}s…` : "");
});
window.addEventListener("beforeunload", (event) => {
  if (uploads.active) event.preventDefault();
});

function take(files) {
  if (!files.length) return;
  files.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  const out = uploads.add(files);
  notice(out ? `${out} hidden or sidecar ${out === 1 ? "file was" : "files were"} left out.` : "");
}

for (const [button, input] of [["choose-files", "files"], ["choose-folder", "folder"]]) {
  at(button).addEventListener("click", () => at(input).click());
  at(input).addEventListener("change", () => {
    take([...at(input).files]);
    at(input).value = "";
  });
}

let over = 0;
const dragging = (event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragenter", (event) => dragging(event) && at("drop").classList.toggle("over", (over += 1) > 0));
document.addEventListener("dragleave", (event) => dragging(event) && at("drop").classList.toggle("over", (over -= 1) > 0));
document.addEventListener("dragover", (event) => dragging(event) && event.preventDefault());
document.addEventListener("drop", async (event) => {
  if (!dragging(event)) return;
  event.preventDefault();
  over = 0;
  at("drop").classList.remove("over");
  try {
    take(await dropped(event.dataTransfer));
  } catch (error) {
    notice(`The folder cannot be read: ${error.message}`);
  }
});

async function asked(request) {
  try {
    await request();
    list.invalidate(true);
  } catch (error) {
    notice(error instanceof Unreachable ? "The server cannot be reached; try again when the page is live." : error.message);
  }
}

function retry(row) {
  return asked(() => post(`/api/assets/${row.duplicate ?? row.id}/retry-processing`));
}

at("retry-all").addEventListener("click", (event) => {
  event.preventDefault();
  uploads.retryAll();
  asked(() => (stats?.failed ? post("/api/dead-letters/retry", { all: true }) : json("/api/processing-stats")));
});

function view(name) {
  for (const button of document.querySelectorAll("[data-view]")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === name));
  }
  const pictures = name === "gallery" || name === "found";
  at("gallery").hidden = !pictures;
  at("list").hidden = pictures;
  if (!pictures) {
    list.show(name === "failed");
    list.local = uploads.items;
  }
}

for (const button of document.querySelectorAll("[data-view]")) {
  button.addEventListener("click", () => {
    view(button.dataset.view);
    if (button.dataset.view === "gallery") gallery.newest();
  });
}
at("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = at("words").value.trim();
  view(words ? "found" : "list");
  if (words) gallery.search(words);
});

begin();
