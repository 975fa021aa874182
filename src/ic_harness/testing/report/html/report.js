"use strict";
// The page is whole without this script. It adds filters, the switch of colours, and opens what a link points at.
(() => {
  const root = document.documentElement;

  // Colours: as the system wishes, or as chosen here; remembered where the browser lets a file remember.
  const themes = ["system", "light", "dark"];
  const words = { system: "Colours: as the system", light: "Colours: light", dark: "Colours: dark" };
  const remembered = {
    get: () => { try { return localStorage.getItem("ic-harness-theme"); } catch { return null; } },
    set: (theme) => { try { localStorage.setItem("ic-harness-theme", theme); } catch { /* nothing to remember with */ } },
  };
  const button = document.getElementById("theme");
  let theme = themes.includes(remembered.get()) ? remembered.get() : "system";
  const show = () => {
    if (theme === "system") delete root.dataset.theme; else root.dataset.theme = theme;
    document.getElementById("theme-words").textContent = words[theme];
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    remembered.set(theme);
    show();
  });
  show();

  // Filters: within a group any pressed button fits, between groups all must fit. A run that judged no guarantee has none.
  const filtering = (form) => {
    const entries = [...document.querySelectorAll("#listing > li")];
    const texts = entries.map((entry) => entry.textContent.toLowerCase());
    const toggles = [...form.querySelectorAll("button")];
    const field = form.elements.words;
    const apply = () => {
      const pressed = (kind) => toggles
        .filter((toggle) => toggle.dataset.kind === kind && toggle.getAttribute("aria-pressed") === "true")
        .map((toggle) => toggle.dataset.value);
      const outcomes = pressed("outcome"), severities = pressed("severity");
      const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      entries.forEach((entry, index) => {
        const fits = (!outcomes.length || outcomes.includes(entry.dataset.outcome))
          && (!severities.length || severities.includes(entry.dataset.severity))
          && wanted.every((word) => texts[index].includes(word));
        entry.hidden = !fits;
        shown += fits;
      });
      form.querySelector("output").textContent = `${shown} shown`;
      document.querySelector(".nothing").hidden = shown > 0;
    };
    const clear = () => {
      toggles.forEach((toggle) => toggle.setAttribute("aria-pressed", "false"));
      field.value = "";
      apply();
    };
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("keydown", (event) => { if (event.key === "Escape") clear(); });
    field.addEventListener("input", apply);
    toggles.forEach((toggle) => toggle.addEventListener("click", () => {
      toggle.setAttribute("aria-pressed", String(toggle.getAttribute("aria-pressed") !== "true"));
      apply();
    }));
    return clear;
  };
  const filters = document.getElementById("filters");
  const clear = filters ? filtering(filters) : () => {};

  // A link to a guarantee opens it, also where a filter hides it.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.hidden) clear();
    const details = target.querySelector(":scope > details");
    if (details) details.open = true;
    target.scrollIntoView();
    (details ? details.querySelector("summary") : target).focus({ preventScroll: true });
  };
  window.addEventListener("hashchange", reveal);
  if (location.hash) reveal();

  // Code to paste can be copied, where the browser lets a file do that.
  if (navigator.clipboard) {
    document.querySelectorAll(".code pre, .found pre").forEach((pre) => {
      const copy = document.createElement("button");
      copy.type = "button";
      copy.className = "copy";
      copy.textContent = "Copy";
      copy.addEventListener("click", async () => {
        try { await navigator.clipboard.writeText(pre.textContent); copy.textContent = "Copied"; }
        catch { copy.textContent = "Not copied: select the text"; }
      });
      pre.before(copy);
    });
  }

  // Paper cannot be opened by a click.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll(".card details:not([open]), .stages details:not([open]), .measure details:not([open])")];
    closed.forEach((details) => { details.open = true; });
  });
  window.addEventListener("afterprint", () => closed.forEach((details) => { details.open = false; }));
})();
