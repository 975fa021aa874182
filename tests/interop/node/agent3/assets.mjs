// @dfinity/assets fills an asset canister, @dfinity/response-verification checks what it serves.
import { text } from "node:stream/consumers";
import { AssetManager } from "@dfinity/assets";
import verification from "@dfinity/response-verification";
import { agentFor, plain } from "./common.mjs";
import * as sdk from "./sdk.mjs";

const FIVE_MINUTES = 300_000_000_000n;

function http({ IDL }) {
  const headers = IDL.Vec(IDL.Tuple(IDL.Text, IDL.Text));
  const body = IDL.Vec(IDL.Nat8);
  const version = IDL.Opt(IDL.Nat16);
  const request = IDL.Record({ method: IDL.Text, url: IDL.Text, headers, body, certificate_version: version });
  const response = IDL.Record({ status_code: IDL.Nat16, headers, body });
  return IDL.Service({ http_request: IDL.Func([request], [response], ["query"]) });
}

/** The verdict of the response verification on one answer: its version, or the error. */
function verdict(request, response, id, rootKey, version = 2) {
  const now = BigInt(Date.now()) * 1_000_000n;
  try {
    const found = verification.verifyRequestResponsePair(request, response, id.toUint8Array(), now, FIVE_MINUTES, rootKey, version);
    return { version: found.verificationVersion, status: found.response.statusCode };
  } catch (error) {
    return { error: String(error.message ?? error) };
  }
}

async function served(actor, id, rootKey, url, version = 2) {
  const request = { method: "GET", url, headers: [], body: new Uint8Array(), certificate_version: [version] };
  const answer = await actor.http_request(request);
  const response = { status_code: answer.status_code, headers: answer.headers, body: Uint8Array.from(answer.body) };
  const forged = { ...response, body: new Uint8Array([...response.body, 33]) };
  return { right: verdict(request, response, id, rootKey, version), forged: verdict(request, forged, id, rootKey, version) };
}

/** The same page by the replica's HTTP gateway: whole, and with a certificate that holds for what arrived. */
async function by_gateway(host, id, rootKey, path) {
  const answer = await fetch(`${host}${path}?canisterId=${id}`, { headers: { "accept-encoding": "identity" } });
  const body = new Uint8Array(await answer.arrayBuffer());
  const request = { method: "GET", url: path, headers: [], body: new Uint8Array(), certificate_version: [2] };
  const response = { status_code: answer.status, headers: [...answer.headers], body };
  return { size: body.length, verdict: verdict(request, response, id, rootKey) };
}

async function main({ host, canister, seed, size }) {
  const identity = sdk.Ed25519KeyIdentity.generate(Uint8Array.from(Buffer.from(seed, "hex")));
  const agent = await agentFor(host, identity);
  const id = sdk.Principal.fromText(canister);
  const manager = new AssetManager({ canisterId: id, agent });
  const large = new Uint8Array(size).map((_, index) => (index * 7) % 256);
  await manager.store(new TextEncoder().encode("hello"), { fileName: "hello.txt" });
  const batch = manager.batch();
  await batch.store(large, { fileName: "large.bin" });
  await batch.store(new TextEncoder().encode("<p>page</p>"), { fileName: "index.html" });
  await batch.commit();
  const keys = (await manager.list()).map((asset) => asset.key).sort();
  const back = await manager.get("/large.bin");
  const bytes = Uint8Array.from(await back.toNumberArray());
  const hello = await manager.get("/hello.txt");
  const actor = sdk.Actor.createActor(http, { agent, canisterId: id });
  const result = {
    principal: identity.getPrincipal(),
    keys,
    equal: Buffer.compare(Buffer.from(bytes), Buffer.from(large)) === 0,
    certified: await hello.isCertified(),
    hello: await served(actor, id, agent.rootKey, "/hello.txt"),
    page: await served(actor, id, agent.rootKey, "/"),
    first: await served(actor, id, agent.rootKey, "/hello.txt", 1),
    gateway: await by_gateway(host, id, agent.rootKey, "/hello.txt"),
    gateway_large: (await by_gateway(host, id, agent.rootKey, "/large.bin")).size,
    absent: await served(actor, id, agent.rootKey, "/nothing-here"),
  };
  await manager.delete("/hello.txt");
  return { ...result, left: (await manager.list()).length };
}

// A pipe takes long texts piece by piece: the process may only end once all of it is written.
process.stdout.write(`${JSON.stringify(await main(JSON.parse(await text(process.stdin))), plain)}\n`, () => process.exit(0));
