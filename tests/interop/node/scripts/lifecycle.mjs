// A canister's life by the management canister, as each agent's own client of it speaks.
import { readFileSync } from "node:fs";
import * as sdk from "./sdk.mjs";
import { agentFor, counter, outcome } from "./common.mjs";

const KEEP = { upgrade: [{ skip_pre_upgrade: [], wasm_memory_persistence: [{ keep: null }] }] };

/** Create, install, upgrade with the memory kept, stop, start, uninstall, delete; what is seen between. */
export async function life({ host, wasm, next_wasm, keep }) {
  const identity = sdk.Ed25519KeyIdentity.generate();
  const agent = await agentFor(host, identity);
  const management = sdk.management(agent);
  const id = await management.create();
  const actor = counter(agent, id);
  const arg = new Uint8Array(sdk.IDL.encode([sdk.IDL.Nat], [40n]));
  const empty = await management.status(id);
  await management.install(id, new Uint8Array(readFileSync(wasm)), arg, { install: null });
  const counted = await actor.increment();
  const installed = await management.status(id);
  await management.install(id, new Uint8Array(readFileSync(next_wasm)), arg, keep ? KEEP : { upgrade: [] });
  const upgraded = await actor.state();
  await management.stop(id);
  const stopped = { status: await management.status(id), call: await outcome(actor.increment()) };
  await management.start(id);
  const started = await actor.increment();
  const stranger = await agentFor(host, sdk.Ed25519KeyIdentity.generate());
  const by_stranger = await outcome(sdk.management(stranger).stop(id));
  await management.uninstall(id);
  const uninstalled = { status: await management.status(id), call: await outcome(actor.get()) };
  await management.stop(id);
  await management.remove(id);
  const removed = await outcome(management.status(id));
  return { id, principal: identity.getPrincipal(), empty, counted, installed, upgraded, stopped, started, by_stranger, uninstalled, removed };
}

/** Code that cannot be installed is refused with a certified reject, and the canister stays empty. */
export async function invalid_code({ host }) {
  const agent = await agentFor(host, sdk.Ed25519KeyIdentity.generate());
  const management = sdk.management(agent);
  const id = await management.create();
  const refused = await outcome(management.install(id, new Uint8Array([0, 97, 115, 109, 9, 9]), new Uint8Array(), { install: null }));
  return { refused, status: await management.status(id) };
}
