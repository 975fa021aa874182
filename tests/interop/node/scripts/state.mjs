// What an agent reads of the certified state.
import * as sdk from "./sdk.mjs";
import { agentFor, hex, outcome } from "./common.mjs";

export async function status({ host }) {
  const agent = await sdk.HttpAgent.create({ host });
  const answer = await agent.status();
  const fetched = await agent.fetchRootKey();
  return { health: answer.replica_health_status, root_key: hex(answer.root_key), fetched: hex(fetched) };
}

/** Everything that CanisterStatus can be asked, present and absent. */
export async function canister_state({ host, canister, metadata }) {
  const agent = await agentFor(host, sdk.Ed25519KeyIdentity.generate());
  const custom = metadata.map((path) => ({ kind: "metadata", key: path, path, decodeStrategy: "utf-8" }));
  const paths = ["time", "controllers", "module_hash", "subnet", "candid", ...custom];
  const found = await sdk.CanisterStatus.request({ agent, canisterId: sdk.Principal.fromText(canister), paths });
  const { subnetId, nodeKeys } = found.get("subnet");
  const rest = Object.fromEntries(metadata.map((path) => [path, found.get(path)]));
  return {
    time: found.get("time").getTime(),
    controllers: found.get("controllers").map((one) => one.toText()),
    module_hash: found.get("module_hash"),
    candid: found.get("candid"),
    subnet: subnetId,
    nodes: [...nodeKeys.entries()].map(([id, key]) => [id, hex(key)]),
    metadata: rest,
  };
}

const label = (value) => {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return sdk.toLabel ? sdk.toLabel(bytes) : bytes;
};

/** Paths that nobody may read are refused; `time` alone is always there. */
export async function forbidden_paths({ host, canister }) {
  const agent = await agentFor(host, sdk.Ed25519KeyIdentity.generate(), { retryTimes: 0 });
  const id = sdk.Principal.fromText(canister);
  const read = (...paths) => outcome(agent.readState(canister, { paths: paths.map((path) => path.map(label)) }).then(() => "read"));
  return {
    time: await read(["time"]),
    canister: await read(["canister"]),
    whole_canister: await read(["canister", id.toUint8Array()]),
    certified_data: await read(["canister", id.toUint8Array(), "certified_data"]),
    all_requests: await read(["request_status"]),
    nonsense: await read(["nonsense"]),
  };
}
