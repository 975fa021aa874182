// Requests to the server that the page came from, and waiting.

/** The server cannot be reached: nothing was decided, so nothing is counted as a failure. */
export class Unreachable extends Error {}

/** The server refused; `status`, `code` and `retryAfter` (seconds) as it said. */
export class Refused extends Error {
  constructor(status, body, retryAfter) {
    super(body.error || `The server answered ${status}`);
    this.status = status;
    this.code = body.code || "";
    this.retryAfter = body.retryAfter || Number(retryAfter) || 0;
  }
}

export const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Full jitter: anything up to base * 2 ** tries milliseconds, at most `cap`. */
export const jitter = (tries, base = 1000, cap = 15000) => Math.random() * Math.min(cap, base * 2 ** tries);

export async function json(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(30000), ...options });
  } catch (error) {
    throw new Unreachable(String(error));
  }
  let body;
  try {
    body = await answer.json();
  } catch {
    // An answer that breaks off, or that something between here and the server has made.
    if (answer.ok) throw new Unreachable("the answer broke off");
    body = {};
  }
  if (!answer.ok) throw new Refused(answer.status, body, answer.headers.get("retry-after"));
  return body;
}

export const post = (path, body = {}) =>
  json(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

/** Wait until the server answers again. */
export async function reachable() {
  for (let tries = 0; ; tries += 1) {
    try {
      await json("/api/processing-stats");
      return;
    } catch (error) {
      if (!(error instanceof Unreachable) && error.status < 500) return;
      await wait(300 + jitter(tries, 500, 5000));
    }
  }
}

export function sizeText(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000;
    unit += 1;
  }
  return `${unit === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${units[unit]}`;
}
