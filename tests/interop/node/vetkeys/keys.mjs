// @dfinity/vetkeys opens encrypted keys, @noble/curves verifies signatures: each once as it is, and once with a byte changed.
import { text } from "node:stream/consumers";
import * as vetkeys from "@dfinity/vetkeys";
import { ed25519 } from "@noble/curves/ed25519";
import { schnorr, secp256k1 } from "@noble/curves/secp256k1";

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (data) => Buffer.from(data).toString("hex");
const outcome = (work) => {
  try {
    return work();
  } catch (error) {
    return { error: String(error.message ?? error) };
  }
};

/** The key of a Taproot output, by BIP341: x of the internal key's even point plus the tweak. */
function output(key, root) {
  const internal = schnorr.utils.lift_x(BigInt(`0x${hex(key)}`));
  const tweak = BigInt(`0x${hex(schnorr.utils.taggedHash("TapTweak", key, root))}`);
  return internal.add(secp256k1.ProjectivePoint.BASE.multiply(tweak)).toRawBytes(true).slice(1);
}

const verifiers = {
  ecdsa: ({ key, message, signature }) => secp256k1.verify(signature, message, key, { lowS: true, prehash: false }),
  ed25519: ({ key, message, signature }) => ed25519.verify(signature, message, key),
  bip340: ({ key, message, signature }) => schnorr.verify(signature, message, key.slice(1)),
  bip341: ({ key, message, signature, root }) => schnorr.verify(signature, message, output(key.slice(1), root)),
};

/** Verdicts on signatures: as they are, and with the last byte of each changed. */
function signatures({ signed }) {
  return signed.map(({ kind, ...fields }) => {
    const right = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, bytes(value)]));
    const signature = right.signature.map((byte, index) => (index === 63 ? byte ^ 1 : byte));
    return [right, { ...right, signature }].map((given) => outcome(() => verifiers[kind](given)));
  });
}

const transportKey = ({ secret }) => hex(vetkeys.TransportSecretKey.deserialize(bytes(secret)).publicKeyBytes());

/** What a user's browser does: derive the public key, open the encrypted key, decrypt what was encrypted to the input. */
function opened({ secret, master, canister, context, input, encrypted }) {
  const transport = vetkeys.TransportSecretKey.deserialize(bytes(secret));
  const derived = vetkeys.MasterPublicKey.deserialize(bytes(master))
    .deriveCanisterKey(bytes(canister))
    .deriveSubKey(bytes(context));
  const ciphertext = vetkeys.IbeCiphertext.encrypt(
    derived, vetkeys.IbeIdentity.fromBytes(bytes(input)), bytes("c0ffee"), vetkeys.IbeSeed.fromBytes(new Uint8Array(32)),
  );
  const open = (given) => {
    const key = vetkeys.EncryptedVetKey.deserialize(given).decryptAndVerify(transport, derived, bytes(input));
    return { plain: hex(ciphertext.decrypt(key)), signs: vetkeys.verifyBlsSignature(derived, bytes(input), key.signatureBytes()) };
  };
  const other = vetkeys.TransportSecretKey.deserialize(bytes("01".padStart(64, "0")));
  const stolen = () => vetkeys.EncryptedVetKey.deserialize(bytes(encrypted)).decryptAndVerify(other, derived, bytes(input));
  return { public_key: hex(derived.publicKeyBytes()), opened: open(bytes(encrypted)), stolen: outcome(() => hex(stolen().signatureBytes())) };
}

const scenarios = { signatures, transport: transportKey, opened };
const request = JSON.parse(await text(process.stdin));
console.log(JSON.stringify({ seen: scenarios[request.scenario](request) }));
