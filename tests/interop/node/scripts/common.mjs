// What every scenario needs: agents, actors, and results as plain JSON.
import * as sdk from "./sdk.mjs";

const soon = () => ({ next: () => 5 }); // milliseconds between tries: the replica is next door

/** An agent with every check switched on that trusts the root key it is told once. */
export async function agentFor(host, identity = new sdk.AnonymousIdentity(), options = {}) {
  return sdk.HttpAgent.create({ host, identity, shouldFetchRootKey: true, backoffStrategy: soon, ...options });
}

/** The interface of fixtures/canisters/src/motoko/counter.mo that the scenarios call. */
export function counterInterface({ IDL }) {
  const state = { count: IDL.Nat, upgrades: IDL.Nat, names: IDL.Vec(IDL.Text) };
  const tuple = [IDL.Text, IDL.Int, IDL.Opt(IDL.Nat8), IDL.Vec(IDL.Nat8)];
  const query = ["query"];
  return IDL.Service({
    increment: IDL.Func([], [IDL.Nat], []),
    add: IDL.Func([IDL.Nat], [IDL.Nat], []),
    get: IDL.Func([], [IDL.Nat], query),
    state: IDL.Func([], [IDL.Record(state)], query),
    remember: IDL.Func([IDL.Text], [], []),
    whoami: IDL.Func([], [IDL.Principal], query),
    whoami_update: IDL.Func([], [IDL.Principal], []),
    echo: IDL.Func(tuple, tuple, query),
    fail_by_assert: IDL.Func([], [IDL.Nat], []),
    fail_by_throw: IDL.Func([], [IDL.Nat], []),
    fail_in_query: IDL.Func([], [IDL.Nat], query),
    no_such_update: IDL.Func([], [IDL.Nat], []),
    no_such_query: IDL.Func([], [IDL.Nat], query),
  });
}

export function counter(agent, canisterId) {
  return sdk.Actor.createActor(counterInterface, { agent, canisterId });
}

/** The outcome of a promise: `{ok}` or `{error}` with what the agent tells about a refusal, whatever its version. */
export async function outcome(promise) {
  try {
    return { ok: await promise };
  } catch (error) {
    const inner = error.code ?? error.result ?? error;
    return {
      error: {
        kind: error.code?.name ?? error.name,
        message: String(error.message ?? error),
        reject_code: inner.rejectCode ?? inner.reject_code,
        reject_message: inner.rejectMessage ?? inner.reject_message,
        error_code: inner.rejectErrorCode ?? inner.error_code,
        status: inner.status ?? error.response?.status,
      },
    };
  }
}

export const hex = (bytes) => Buffer.from(bytes).toString("hex");

/** JSON of what agents return: principals as text, big integers as decimal text, bytes as hex. */
export function plain(_key, value) {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Uint8Array) return hex(value);
  if (value instanceof ArrayBuffer) return hex(new Uint8Array(value));
  if (value?.__principal__) return value.__principal__; // what Principal.toJSON leaves
  return value;
}
