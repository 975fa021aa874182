// Who calls: every key type, and sessions that act for another key by a chain of delegations.
import * as sdk from "./sdk.mjs";
import { authenticator } from "./authenticator.mjs";
import { agentFor, counter, outcome } from "./common.mjs";

const HOUR = 3_600_000;

/** The canister sees exactly the principal that the client believes to be, in updates and in queries. */
export async function callers({ host, canister }) {
  const identities = {
    anonymous: new sdk.AnonymousIdentity(),
    ed25519: sdk.Ed25519KeyIdentity.generate(),
    secp256k1: sdk.Secp256k1KeyIdentity.generate(),
    p256: await sdk.ECDSAKeyIdentity.generate(),
  };
  const seen = {};
  for (const [name, identity] of Object.entries(identities)) {
    const actor = counter(await agentFor(host, identity), canister);
    const expected = identity.getPrincipal();
    seen[name] = { expected, query: await outcome(actor.whoami()), update: await outcome(actor.whoami_update()) };
  }
  return seen;
}

async function session(root, { expires = HOUR, targets, middle } = {}) {
  const last = await sdk.ECDSAKeyIdentity.generate();
  const until = new Date(Date.now() + expires);
  const options = { targets };
  const first = await sdk.DelegationChain.create(root, (middle ?? last).getPublicKey(), until, options);
  const chain = middle
    ? await sdk.DelegationChain.create(middle, last.getPublicKey(), until, { previous: first })
    : first;
  return sdk.DelegationIdentity.fromDelegation(last, chain);
}

/** Chains of one and two links, restricted to the canister, to another one, and expired. */
export async function delegations({ host, canister, other }) {
  const root = sdk.Secp256k1KeyIdentity.generate();
  const middle = sdk.Ed25519KeyIdentity.generate();
  const only = (id) => [sdk.Principal.fromText(id)];
  const sessions = {
    one_link: await session(root),
    two_links: await session(root, { middle }),
    right_target: await session(root, { targets: only(canister) }),
    wrong_target: await session(root, { targets: only(other) }),
    expired: await session(root, { expires: -HOUR }),
  };
  const seen = { root: root.getPrincipal() };
  for (const [name, identity] of Object.entries(sessions)) {
    const actor = counter(await agentFor(host, identity, { retryTimes: 2 }), canister);
    seen[name] = { query: await outcome(actor.whoami()), update: await outcome(actor.whoami_update()) };
  }
  return seen;
}

/** A key that signs for a principal that is not its own must be turned away. */
export async function forged_sender({ host, canister }) {
  const identity = sdk.Ed25519KeyIdentity.generate();
  const victim = sdk.Ed25519KeyIdentity.generate().getPrincipal();
  identity.getPrincipal = () => victim;
  const actor = counter(await agentFor(host, identity, { retryTimes: 2 }), canister);
  return { query: await outcome(actor.whoami()), update: await outcome(actor.whoami_update()) };
}

/** Security keys by WebAuthn, alone and as the root of a session, as Internet Identity uses them. */
export async function security_keys({ host, canister }) {
  const seen = {};
  for (const kind of ["p256", "ed25519"]) {
    const { cose, credentials } = authenticator(kind);
    Object.defineProperty(globalThis, "navigator", { value: { credentials }, configurable: true });
    const key = new sdk.WebAuthnIdentity(new Uint8Array(16).buffer, cose);
    for (const [role, identity] of [["key", key], ["session", await session(key)]]) {
      const actor = counter(await agentFor(host, identity), canister);
      const expected = key.getPrincipal();
      seen[`${kind} ${role}`] = { expected, query: await outcome(actor.whoami()), update: await outcome(actor.whoami_update()) };
    }
  }
  return seen;
}

/** The principals of seed phrases and PEM texts, and a session's chain in the JSON of this library with its key. */
export async function keys({ phrases, pems, expires }) {
  const root = sdk.Secp256k1KeyIdentity.generate();
  const last = sdk.Ed25519KeyIdentity.generate();
  const chain = await sdk.DelegationChain.create(root, last.getPublicKey(), new Date(expires));
  return {
    phrases: phrases.map((phrase) => sdk.Secp256k1KeyIdentity.fromSeedPhrase(phrase).getPrincipal()),
    pems: pems.map((pem) => sdk.Secp256k1KeyIdentity.fromPem(pem).getPrincipal()),
    root: root.getPrincipal(),
    secret: last.toJSON()[1],
    chain: JSON.stringify(chain.toJSON()),
  };
}

/** Who the canister sees when a session uses a chain that others wrote. */
export async function adopted_chain({ host, canister, secret, chain }) {
  const key = sdk.Ed25519KeyIdentity.generate(Uint8Array.from(Buffer.from(secret, "hex")));
  const identity = sdk.DelegationIdentity.fromDelegation(key, sdk.DelegationChain.fromJSON(chain));
  const actor = counter(await agentFor(host, identity), canister);
  return { query: await outcome(actor.whoami()), update: await outcome(actor.whoami_update()) };
}
