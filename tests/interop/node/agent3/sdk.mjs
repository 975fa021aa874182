// @dfinity/agent 3.x under the names that the scenarios use.
import { ICManagementCanister } from "@dfinity/ic-management";
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

/** The management canister as `@dfinity/ic-management` speaks to it. */
export function management(agent) {
  const canister = ICManagementCanister.create({ agent });
  return {
    create: () => canister.provisionalCreateCanisterWithCycles(),
    install: (canisterId, wasmModule, arg, mode) => canister.installCode({ canisterId, wasmModule, arg, mode }),
    status: async (id) => {
      const { status, settings, module_hash, cycles } = await canister.canisterStatus(id);
      return { status: Object.keys(status)[0], controllers: settings.controllers, hash: module_hash[0], cycles };
    },
    stop: (id) => canister.stopCanister(id),
    start: (id) => canister.startCanister(id),
    uninstall: (canisterId) => canister.uninstallCode({ canisterId }),
    remove: (id) => canister.deleteCanister(id),
    logs: async (id) => (await canister.fetchCanisterLogs(id)).canister_log_records.map((row) => row.content),
  };
}
