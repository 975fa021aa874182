"""Several subnets of an instance: identities, keys, ranges, certificates, calls between them, and those on demand."""

from __future__ import annotations

import base64

import httpx
import pytest

from ic_harness.agent import Agent, HttpTransport
from ic_harness.candid import encode, parse
from ic_harness.principal import Principal
from ic_harness.protocol import AnonymousIdentity
from tests.networks.conftest import COUNTER
from tests.replica.support import CANISTERS, wasm

from .conftest import METHODS, b64, wat

NEW = {"state_config": "New", "instruction_config": "Production"}
TWO = {"nns": NEW, "application": [NEW, NEW]}
BITCOIN = Principal.from_text("ghsi2-tqaaa-aaaan-aaaca-cai")
MAINNET = Principal.from_text("rimrc-piaaa-aaaao-aaljq-cai")
CREATE = "provisional_create_canister_with_cycles"
FORWARD = parse((CANISTERS / "rust" / "rust.did").read_text(encoding="utf-8")).methods["forward"].arg_types


@pytest.fixture
def several(client):
    """An NNS and two application subnets."""
    made = client.create(TWO)
    yield made
    client.http.delete(made.path)


def subnets(made):
    """The ids of an instance's subnets with their kinds, in order."""
    topology = made.get("read/topology")["subnet_configs"]
    return [(Principal.from_text(name).raw, config["subnet_kind"]) for name, config in topology.items()]


def start(number):
    """The argument of the Rust counter: a nat64."""
    return b"DIDL\0\1\x78" + number.to_bytes(8, "little")


def on(subnet_id):
    """The effective principal of a subnet."""
    return {"SubnetId": b64(subnet_id)}


def subnet_of(made, canister_id):
    """The subnet of a canister; None when there is none."""
    found = made.post("read/get_subnet", {"canister_id": b64(canister_id)})
    return None if found is None else base64.b64decode(found["subnet_id"])


def test_each_subnet_has_a_key_of_its_own(several):
    """Ids follow from the keys, of which no two are the same; the first subnet is the root."""
    keys = {}
    for subnet_id, _ in subnets(several):
        keys[subnet_id] = bytes(several.post("read/pub_key", {"subnet_id": b64(subnet_id)}))
        assert Principal.self_authenticating(keys[subnet_id]).raw == subnet_id
    assert len(set(keys.values())) == 3
    assert [kind for _, kind in subnets(several)] == ["NNS", "Application", "Application"]


def test_instances_are_the_same_in_every_run(client, several):
    """Two instances with the same subnets have the same ids and keys, as with PocketIC."""
    again = client.create(TWO)
    assert again.topology == several.topology
    client.http.delete(again.path)


def test_answers_carry_delegations(service, several):
    """An agent that knows the root key alone verifies answers of every subnet."""
    (root, _), *others = subnets(several)
    root_key = bytes(several.post("read/pub_key", {"subnet_id": b64(root)}))
    several.post("auto_progress", {})
    transport = HttpTransport(f"{service.url}{several.path}")
    agent = Agent(transport, AnonymousIdentity(), root_key=root_key)
    for subnet_id, _ in [(root, ""), *others]:
        counter = several.create_canister(on(subnet_id))
        several.manage(
            "install_code",
            mode={"install": None},
            canister_id=Principal(counter),
            wasm_module=wat(COUNTER),
            arg=b"",
        )
        assert agent.update(Principal(counter), "increment", b"DIDL\0\0").endswith(b"\1\0\0\0")
        assert agent.query(Principal(counter), "get", b"DIDL\0\0").endswith(b"\1\0\0\0")
    agent.close()


def test_calls_reach_other_subnets(several):
    """A call to a canister of another subnet is answered some rounds later, on the way through streams."""
    _, (first, _), (second, _) = subnets(several)
    caller, callee = (several.create_canister(on(one)) for one in (first, second))
    for number, canister in enumerate((caller, callee)):
        several.manage(
            "install_code",
            mode={"install": None},
            canister_id=Principal(canister),
            wasm_module=wasm("rust/rust"),
            arg=start(number + 5),
        )
    assert [subnet_of(several, one) for one in (caller, callee)] == [first, second]
    payload = encode((Principal(callee), "get", b"DIDL\0\0", 0, None), FORWARD)
    submitted = several.submit(caller, "forward", payload)["Ok"]
    status = {"raw_message_id": submitted}
    several.post("update/tick", {})
    assert several.post("read/ingress_status", status) is None
    reply = base64.b64decode(several.post("update/await_ingress_message", submitted)["Ok"])
    assert reply.endswith((6).to_bytes(8, "little"))


def test_time_and_rounds_are_of_all_subnets(several):
    """One tick is a round of every subnet at the same time."""
    before = several.time()
    several.post("update/tick", {})
    assert several.time() == before + 1


def test_ids_of_mainnet_add_subnets(client):
    """Subnets on demand have a kind and ranges, take calls of others, and leave the default subnet as it was."""
    made = client.create({"system": [NEW], "nns": NEW})
    default = made.topology["default_effective_canister_id"]
    assert subnet_of(made, MAINNET.raw) is None
    for wanted, kind in ((MAINNET, "Application"), (BITCOIN, "Bitcoin")):
        assert made.create_canister(specified_id=wanted) == wanted.raw
        subnet_id, found = subnets(made)[-1]
        assert (found, subnet_of(made, wanted.raw)) == (kind, subnet_id)
        made.manage(
            "install_code",
            mode={"install": None},
            canister_id=wanted,
            wasm_module=wasm("rust/rust"),
            arg=start(9),
        )
    payload = encode((BITCOIN, "get", b"DIDL\0\0", 0, None), FORWARD)
    reply = base64.b64decode(made.call(MAINNET.raw, "forward", payload)["Ok"])
    assert reply.endswith((9).to_bytes(8, "little"))
    assert made.get("read/topology")["default_effective_canister_id"] == default
    assert subnet_of(made, made.create_canister()) == subnets(made)[1][0]
    client.http.delete(made.path)


@pytest.mark.parametrize("wanted", ["rdmx6-jaaaa-aaaaa-aaadq-cai", "qhbym-qaaaa-aaaaa-aaafq-cai"])
def test_named_subnets_come_with_all_their_ids(client, wanted):
    """The subnet of Internet Identity has one id among those of the NNS, and others besides; NNS ids need an NNS."""
    made = client.create({"nns": NEW})
    identity = Principal.from_text(wanted)
    assert made.create_canister(specified_id=identity) == identity.raw
    kinds = ["NNS", "II"] if wanted.startswith("rdmx6") else ["NNS"]
    assert [kind for _, kind in subnets(made)] == kinds
    config = made.get("read/topology")["subnet_configs"][str(Principal(subnet_of(made, identity.raw)))]
    alone = {"start": {"canister_id": b64(identity.raw)}, "end": {"canister_id": b64(identity.raw)}}
    assert (alone in config["canister_ranges"]) == wanted.startswith("rdmx6")
    assert len(config["canister_ranges"]) == 3
    client.http.delete(made.path)


def test_added_subnets_are_kept(client, tmp_path):
    """A state folder keeps subnets that were added, also when the server was not closed properly in between."""
    made = client.create({"application": [NEW]}, state_dir=str(tmp_path / "state"))
    made.create_canister(specified_id=MAINNET)
    topology = made.get("read/topology")
    client.http.delete(made.path)
    again = client.create({}, state_dir=str(tmp_path / "state"))
    assert again.get("read/topology") == topology
    assert subnet_of(again, MAINNET.raw) == subnets(again)[1][0]
    assert again.create_canister(specified_id=BITCOIN) == BITCOIN.raw
    client.http.delete(again.path)


def test_api_calls_add_subnets_too(service, instance):
    """A call below `/api/` that creates a canister of mainnet adds its subnet as well."""
    (root, _), *_ = subnets(instance)
    instance.post("auto_progress", {})
    root_key = bytes(instance.post("read/pub_key", {"subnet_id": b64(root)}))
    transport = HttpTransport(f"{service.url}{instance.path}")
    agent = Agent(transport, AnonymousIdentity(), root_key=root_key)
    argument = encode(({"specified_id": MAINNET},), METHODS[CREATE].arg_types)
    agent.update(Principal(b""), CREATE, argument, effective_canister_id=MAINNET)
    assert subnet_of(instance, MAINNET.raw) == subnets(instance)[1][0]
    agent.close()


def test_ids_that_the_subnet_allocates_cannot_be_chosen(instance):
    """A specified id of an allocation range is rejected, with the text that the crate's suite compares."""
    wanted = Principal(instance.create_canister())
    payload = encode(({"specified_id": wanted},), METHODS[CREATE].arg_types)
    refused = instance.submit(b"", CREATE, payload)["Err"]["reject_message"]
    assert f"The `specified_id` {wanted} is invalid because it belongs to the canister allocation" in refused
    assert "environment.\nUse a `specified_id` that matches" in refused


def test_requests_for_no_subnet(service, instance):
    """Ids that no subnet has, and large bodies, are refused below `/api/` in the form of PocketIC's server."""
    url = f"{service.url}{instance.path}/api/v2"
    nowhere = Principal(b"\0\0\0\xff\xff\xff\xff\xff\1\1")
    answer = httpx.post(f"{url}/canister/{nowhere}/read_state")
    assert (answer.status_code, answer.text) == (
        400,
        "error: canister_not_found\ndetails: The specified canister does not exist.",
    )
    answer = httpx.post(f"{url}/subnet/{Principal(bytes([42]) * 29)}/read_state")
    assert (answer.status_code, answer.text) == (
        400,
        "error: subnet_not_found\ndetails: The specified subnet cannot be found.",
    )
    answer = httpx.post(f"{url}/canister/{nowhere}/read_state", content=bytes(5 * 1024 * 1024))
    assert (answer.status_code, answer.text.partition("\n")[0]) == (413, "error: payload_too_large")


@pytest.mark.parametrize("kind", ["file", "empty folder"])
def test_states_of_subnets_are_looked_at(client, tmp_path, kind):
    """A subnet's state that is no folder, or an empty one, is refused as PocketIC's server does."""
    path = tmp_path / "state"
    path.write_bytes(b"x") if kind == "file" else path.mkdir()
    wanted = {"application": [{"state_config": {"FromPath": str(path)}}]}
    message = client.post("/instances", {"subnet_config_set": wanted}, 400)["Error"]["message"]
    texts = {"file": "is not a (subnet state) directory", "empty folder": "Provided an empty state directory"}
    assert texts[kind] in message


def test_subnets_charge_by_their_own_rules(client):
    """An application subnet charges, one with the schedule Free and a cloud engine do not."""
    free = {**NEW, "cost_schedule": "Free"}
    made = client.create({"application": [NEW, free], "cloud_engine": [free], "fiduciary": NEW})
    paid: dict[str, list[int]] = {}
    for subnet_id, kind in subnets(made):
        canister = made.create_canister(on(subnet_id))
        before = made.post("read/get_cycles", {"canister_id": b64(canister)})["cycles"]
        made.manage(
            "install_code",
            mode={"install": None},
            canister_id=Principal(canister),
            wasm_module=wat(COUNTER),
            arg=b"",
        )
        after = made.post("read/get_cycles", {"canister_id": b64(canister)})["cycles"]
        paid.setdefault(kind, []).append(before - after)
    assert [cost > 0 for cost in paid["Application"]] == [True, False]
    assert paid["CloudEngine"] == [0]
    assert paid["Fiduciary"][0] > 2 * paid["Application"][0]
    client.http.delete(made.path)


def test_kinds_have_instruction_configs(client):
    """`Benchmarking` is shown for its subnet alone, whose canisters are installed with the ordinary prepayment."""
    made = client.create({"application": [{**NEW, "instruction_config": "Benchmarking"}, NEW]})
    configs = [one["instruction_config"] for one in made.topology["subnet_configs"].values()]
    assert configs == ["Benchmarking", "Production"]
    assert made.install(wat(COUNTER))
    client.http.delete(made.path)


def test_too_many_subnets_are_refused(client):
    """More than 64 subnets are refused in words."""
    message = client.post("/instances", {"subnet_config_set": {"application": [NEW] * 65}}, 400)["Error"]
    assert "at most 64 subnets" in message["message"]
