// Pictures: the newest first, what a search found, what looks alike; and one of them large.

import { json, sizeText } from "./net.js";

const PAGE = 60;

export class Gallery {
  #before = 0;
  #shown = null;
  #asked = 0;

  constructor() {
    this.place = document.getElementById("pictures");
    this.title = document.getElementById("gallery-title");
    this.more = document.getElementById("more");
    this.none = document.getElementById("no-pictures");
    this.dialog = document.getElementById("detail");
    this.more.addEventListener("click", () => this.#page());
    document.getElementById("near").addEventListener("click", () => this.near());
    document.getElementById("similar").addEventListener("click", () => {
      this.dialog.close();
      this.like(this.#shown);
    });
  }

  async newest() {
    this.#begin("Gallery");
    this.#before = 0;
    await this.#page();
  }

  async search(words) {
    await this.#list(`Found for “${words}”`, `/api/search?q=${encodeURIComponent(words)}`);
  }

  async like(file) {
    await this.#list(`More like ${file.name}`, `/api/files/${file.id}/similar`);
    this.title.focus();
  }

  /** Groups of pictures that look the same: the largest file of a group first. */
  async near() {
    const asked = this.#begin("Near-duplicates");
    try {
      const { groups } = await json("/api/near-duplicates");
      if (asked !== this.#asked) return;
      for (const group of groups) {
        const title = document.createElement("li");
        title.className = "group";
        title.textContent = `${group.length} pictures look the same`;
        this.place.append(title);
        this.#add(group.map((item) => ({ ...item, preview: true })));
      }
      if (!groups.length) this.#say("No two pictures look the same.");
    } catch (error) {
      if (asked === this.#asked) this.#say(error.message);
    }
    this.title.focus();
  }

  async #list(title, path) {
    const asked = this.#begin(title);
    try {
      const found = await json(path);
      if (asked === this.#asked) this.#add(found.items);
    } catch (error) {
      if (asked === this.#asked) this.#say(error.message);
    }
  }

  #begin(title) {
    this.title.textContent = title;
    this.title.tabIndex = -1;
    this.place.replaceChildren();
    this.more.hidden = true;
    this.none.hidden = true;
    return (this.#asked += 1);
  }

  async #page() {
    const asked = this.#asked;
    try {
      const { items } = await json(`/api/gallery?limit=${PAGE}${this.#before ? `&before=${this.#before}` : ""}`);
      if (asked !== this.#asked) return;
      this.#add(items.map((item) => ({ ...item, preview: true })));
      this.#before = items.at(-1)?.id ?? 0;
      this.more.hidden = items.length < PAGE;
    } catch (error) {
      if (asked === this.#asked) this.#say(error.message);
    }
  }

  #add(items) {
    for (const item of items) this.place.append(this.#picture(item));
    if (!this.place.children.length) this.#say("Nothing found.");
  }

  #say(text) {
    this.none.textContent = text;
    this.none.hidden = false;
  }

  #picture(item) {
    const entry = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "picture";
    let picture;
    if (item.preview) {
      picture = document.createElement("img");
      picture.loading = "lazy";
      picture.alt = "";
      picture.src = `/api/files/${item.id}/preview`;
    } else {
      picture = document.createElement("span");
      picture.className = "none";
    }
    const caption = document.createElement("span");
    caption.className = "caption";
    caption.textContent = item.name;
    button.append(picture, caption);
    button.addEventListener("click", () => this.open(item));
    entry.append(button);
    return entry;
  }

  async open(item) {
    const file = await json(`/api/files/${item.id}`);
    this.#shown = file;
    const picture = document.getElementById("detail-picture");
    picture.hidden = item.preview === false;
    picture.alt = file.name;
    if (item.preview !== false) picture.src = `/api/files/${file.id}/preview`;
    document.getElementById("detail-name").textContent = file.name;
    document.getElementById("detail-state").textContent = file.error ? `${file.words}: ${file.error}` : file.words;
    const facts = {
      Size: sizeText(file.size),
      Pixels: file.facts.width && `${file.facts.width} × ${file.facts.height}`,
      Taken: file.facts.taken_at,
      Place: file.facts.location,
      Title: file.facts.title,
      Tags: file.facts.tags?.join(", "),
      Memory: file.memory,
    };
    const list = document.getElementById("detail-facts");
    list.replaceChildren();
    for (const [name, value] of Object.entries(facts)) {
      if (!value) continue;
      const term = document.createElement("dt");
      const text = document.createElement("dd");
      term.textContent = name;
      text.textContent = value;
      list.append(term, text);
    }
    document.getElementById("similar").hidden = file.stages.embed !== "done";
    this.dialog.showModal();
  }
}
