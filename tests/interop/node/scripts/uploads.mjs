// A blob into the capsule backend, in chunks, as quickly as the agent can.
import { createHash, randomBytes } from "node:crypto";
import * as sdk from "./sdk.mjs";
import { agentFor } from "./common.mjs";

function backend({ IDL }) {
  const result = (ok) => IDL.Variant({ Ok: ok, Err: IDL.Reserved });
  const capsule = IDL.Record({ id: IDL.Text });
  const bytes = IDL.Vec(IDL.Nat8);
  return IDL.Service({
    capsules_create: IDL.Func([IDL.Opt(IDL.Reserved)], [result(capsule)], []),
    uploads_begin: IDL.Func([IDL.Text, IDL.Nat32, IDL.Text], [result(IDL.Nat64)], []),
    uploads_put_chunk: IDL.Func([IDL.Nat64, IDL.Nat32, bytes], [result(IDL.Null)], []),
    uploads_finish: IDL.Func([IDL.Nat64, bytes, IDL.Nat64], [result(IDL.Record({ blob_id: IDL.Text }))], []),
  });
}

/** The seconds from begin to finish with `window` chunks in flight; the agent is warm and the data is hashed. */
export async function upload({ host, canister, size, chunk, window }) {
  const agent = await agentFor(host, sdk.Ed25519KeyIdentity.generate());
  const actor = sdk.Actor.createActor(backend, { agent, canisterId: canister });
  const capsule = (await actor.capsules_create([])).Ok.id;
  const data = new Uint8Array(randomBytes(size));
  const hash = new Uint8Array(createHash("sha256").update(data).digest());
  const count = Math.ceil(size / chunk);
  const started = performance.now();
  const session = (await actor.uploads_begin(capsule, count, hash.join())).Ok;
  let next = 0;
  const carry = async () => {
    while (next < count) {
      const index = next++;
      const sent = await actor.uploads_put_chunk(session, index, data.subarray(index * chunk, (index + 1) * chunk));
      if (!("Ok" in sent)) throw new Error(`chunk ${index} was refused`);
    }
  };
  await Promise.all(Array.from({ length: window }, carry));
  const finished = await actor.uploads_finish(session, hash, BigInt(size));
  return { seconds: (performance.now() - started) / 1000, blob: finished.Ok.blob_id };
}
