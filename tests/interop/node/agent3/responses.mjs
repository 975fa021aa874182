// @dfinity/response-verification judges HTTP answers that were recorded: each as it is, and with one byte of its body changed.
import { text } from "node:stream/consumers";
import verification from "@dfinity/response-verification";

const FIVE_MINUTES = 300_000_000_000n;
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));

function verdict({ canister, now, root_key }, { method, url, status, headers }, body) {
  const request = { method, url, headers: [] };
  const response = { status_code: status, headers, body };
  try {
    const found = verification.verifyRequestResponsePair(
      request, response, bytes(canister), BigInt(now), FIVE_MINUTES, bytes(root_key), 2,
    );
    return { version: found.verificationVersion, status: found.response?.statusCode ?? null };
  } catch (error) {
    return { error: String(error.message ?? error) };
  }
}

const asked = JSON.parse(await text(process.stdin));
const seen = asked.answers.map((answer) => {
  const body = bytes(answer.body);
  const forged = body.map((byte, index) => (index ? byte : byte ^ 1));
  return { right: verdict(asked, answer, body), forged: verdict(asked, answer, forged) };
});
console.log(JSON.stringify({ seen }));
