// @icp-sdk/core under the names that the scenarios use.
import { Actor } from "@icp-sdk/core/agent";
import { IDL } from "@icp-sdk/core/candid";
import { Principal } from "@icp-sdk/core/principal";
import { interfaceOf, managementOf, target } from "./management.mjs";
export * from "@icp-sdk/core/agent";
export {
  DelegationChain,
  DelegationIdentity,
  ECDSAKeyIdentity,
  Ed25519KeyIdentity,
  WebAuthnIdentity,
} from "@icp-sdk/core/identity";
export { Secp256k1KeyIdentity } from "@icp-sdk/core/identity/secp256k1";
export { IDL, Principal };

/** The management canister by an actor of ours: this package has none. */
export function management(agent) {
  const canisterId = Principal.managementCanister();
  const callTransform = (_method, args) => ({ effectiveCanisterId: target(args, canisterId) });
  return managementOf(Actor.createActor(interfaceOf, { agent, canisterId, callTransform, queryTransform: callTransform }));
}
