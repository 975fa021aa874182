// Calls and queries, answered and refused, and the checks that an agent makes on the way.
import * as sdk from "./sdk.mjs";
import { agentFor, counter, outcome } from "./common.mjs";

/** Update, query with its signature verified, and every Candid shape there and back. */
export async function round_trip({ host, canister }) {
  const actor = counter(await agentFor(host), canister);
  const before = await actor.get();
  const incremented = await actor.increment();
  const added = await actor.add(10n ** 30n);
  const echoed = await actor.echo("Grüße", -(10n ** 30n), [7], new Uint8Array([0, 255, 1]));
  return { before, incremented, added, after: await actor.get(), echoed };
}

/** Refusals of every kind, each as the agent reports it. */
export async function refusals({ host, canister, absent }) {
  const agent = await agentFor(host);
  const actor = counter(agent, canister);
  const nobody = counter(agent, absent);
  return {
    by_assert: await outcome(actor.fail_by_assert()),
    by_throw: await outcome(actor.fail_by_throw()),
    in_query: await outcome(actor.fail_in_query()),
    no_update: await outcome(actor.no_such_update()),
    no_query: await outcome(actor.no_such_query()),
    no_canister_update: await outcome(nobody.increment()),
    no_canister_query: await outcome(nobody.get()),
    count: await actor.get(),
  };
}

/** An agent that was not told this replica's root key trusts only mainnet's, and must believe nothing here. */
export async function wrong_root_key({ host, canister }) {
  const agent = await sdk.HttpAgent.create({ host, identity: new sdk.AnonymousIdentity(), retryTimes: 0 });
  const actor = counter(agent, canister);
  return { update: await outcome(actor.increment()), query: await outcome(actor.get()) };
}

/** A client whose clock is wrong by `offset_ms` recovers by asking the replica for the time. */
export async function wrong_clock({ host, canister, offset_ms }) {
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...parts) {
      super(...(parts.length ? parts : [Real.now() + offset_ms]));
    }
    static now() {
      return Real.now() + offset_ms;
    }
  };
  const agent = await agentFor(host, sdk.Ed25519KeyIdentity.generate());
  const actor = counter(agent, canister);
  return { update: await outcome(actor.add(0n)), query: await outcome(actor.get()) };
}

export async function sync_time({ host, canister }) {
  const agent = await agentFor(host);
  const synced = await outcome(agent.syncTime(sdk.Principal.fromText(canister)));
  return { synced, get: await outcome(counter(agent, canister).get()) };
}

/** Many calls at once over one agent: every one is executed once and answered with its own reply. */
export async function at_once({ host, canister, times }) {
  const actor = counter(await agentFor(host, sdk.Ed25519KeyIdentity.generate()), canister);
  const replies = await Promise.all(Array.from({ length: times }, () => actor.increment()));
  return { replies, count: await actor.get() };
}

/**
 * `callers` with a key and an agent each make `calls` updates one after the other, all at the same time.
 * What each call gave, or how it failed: an agent believes a reply only with its certificate.
 */
export async function crowd({ host, canister, callers, calls }) {
  const actors = await Promise.all(
    Array.from({ length: callers }, async () => counter(await agentFor(host, sdk.Ed25519KeyIdentity.generate()), canister)),
  );
  const replies = [];
  const failures = [];
  await Promise.all(
    actors.map(async (actor) => {
      for (let call = 0; call < calls; call++) {
        await actor.increment().then((count) => replies.push(count), (error) => failures.push(String(error).slice(0, 200)));
      }
    }),
  );
  return { replies, failures, count: await actors[0].get() };
}

/** One argument of `size` bytes to `put` of the Rust fixture, and back. */
export async function large_argument({ host, canister, size }) {
  const { IDL } = sdk;
  const bytes = IDL.Vec(IDL.Nat8);
  const service = () =>
    IDL.Service({
      put: IDL.Func([IDL.Text, bytes], [IDL.Opt(bytes)], []),
      fetch: IDL.Func([IDL.Text], [IDL.Opt(bytes)], ["query"]),
    });
  const actor = sdk.Actor.createActor(service, { agent: await agentFor(host), canisterId: canister });
  const value = new Uint8Array(size).map((_, index) => index % 251);
  await actor.put("large", value);
  const [back] = await actor.fetch("large");
  return { size: back.length, equal: Buffer.compare(Buffer.from(back), Buffer.from(value)) === 0 };
}
