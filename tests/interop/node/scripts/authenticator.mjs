// A security key in software, where a browser would have `navigator.credentials`: P-256 or Ed25519.
import { createHash, generateKeyPairSync, sign } from "node:crypto";

const USER_PRESENT = 1;
const concat = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));
const buffer = (bytes) => Uint8Array.from(bytes).buffer; // browsers give ArrayBuffers
const bytesOf = (text) => concat([0x58, 32], Buffer.from(text, "base64url")); // CBOR byte string of 32

/** COSE keys (RFC 9053): {1: kty, 3: alg, -1: crv, -2: x, -3: y}. */
const KINDS = {
  p256: {
    make: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    cose: ({ x, y }) => concat([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21], bytesOf(x), [0x22], bytesOf(y)),
    digest: "sha256",
  },
  ed25519: {
    make: () => generateKeyPairSync("ed25519"),
    cose: ({ x }) => concat([0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21], bytesOf(x)),
    digest: null,
  },
};

/** The COSE key of a new security key, and a `navigator.credentials` that signs with it. */
export function authenticator(kind, origin = "https://identity.example") {
  const { make, cose, digest } = KINDS[kind];
  const { publicKey, privateKey } = make();
  const party = createHash("sha256").update(new URL(origin).hostname).digest();
  const authenticatorData = concat(party, [USER_PRESENT, 0, 0, 0, 7]); // flags, signature counter
  const get = async ({ publicKey: { challenge } }) => {
    const fields = { type: "webauthn.get", challenge: Buffer.from(challenge).toString("base64url"), origin };
    const clientDataJSON = Buffer.from(JSON.stringify(fields));
    const signed = concat(authenticatorData, createHash("sha256").update(clientDataJSON).digest());
    const signature = sign(digest, signed, privateKey);
    const response = { authenticatorData, clientDataJSON, signature };
    const asBuffers = Object.entries(response).map(([name, bytes]) => [name, buffer(bytes)]);
    return { authenticatorAttachment: null, response: Object.fromEntries(asBuffers) };
  };
  return { cose: new Uint8Array(cose(publicKey.export({ format: "jwk" }))), credentials: { get } };
}
