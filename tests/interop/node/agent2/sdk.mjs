// @dfinity/agent 2.x under the names that the scenarios use.
import { getManagementCanister } from "@dfinity/agent";
import { managementOf } from "./management.mjs";
export * from "@dfinity/agent";
export { IDL } from "@dfinity/candid";
export {
  DelegationChain,
  DelegationIdentity,
  ECDSAKeyIdentity,
  Ed25519KeyIdentity,
  WebAuthnIdentity,
} from "@dfinity/identity";
export { Secp256k1KeyIdentity } from "@dfinity/identity-secp256k1";
export { Principal } from "@dfinity/principal";

/** The management canister by the actor that this version still carried. */
export const management = (agent) => managementOf(getManagementCanister({ agent }));
