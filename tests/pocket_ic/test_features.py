"""`icp_features` and `icp_config` over the wire: ICP's own canisters on their subnets, and what is refused by name."""

from __future__ import annotations

import base64
import subprocess

import pytest
from click.testing import CliRunner

from ic_harness import candid
from ic_harness.cli.pocket_ic import pocket_ic
from ic_harness.networks.system_canisters import CATALOGUE, FEATURES, STAND_INS, account_identifier
from ic_harness.pocket_ic import PocketIcService, ServerOptions, server
from ic_harness.principal import Principal
from tests.networks.conftest import COUNTER
from tests.replica.support import wasm

from .conftest import ANONYMOUS, METHODS, Client, b64, wat
from .test_server import PROGRAM, started
from .test_subnets import FORWARD

ON = "DefaultConfig"
NONE: dict[str, list[object]] = {"application": []}
"""No subnets but those of the features."""
ICP = 10**8
RATE = 35_200
"""Cycles for each e8."""
TOP_UP = 0x50555054
MINTING_GENESIS = 1_620_633_601 * 10**9
TYPES = candid.parse("""service : {
  icrc1_balance_of : (record { owner : principal; subaccount : opt blob }) -> (nat) query;
  transfer : (record { memo : nat64; amount : record { e8s : nat64 }; fee : record { e8s : nat64 };
    from_subaccount : opt blob; to : blob; created_at_time : opt record { timestamp_nanos : nat64 } })
    -> (variant { Ok : nat64; Err : reserved });
  notify_top_up : (record { block_index : nat64; canister_id : principal }) -> (variant { Ok : nat; Err : reserved });
}""").methods
NNS_ROOT = CATALOGUE["root"].id


def wanted(*features):
    """The `icp_features` with these."""
    return dict.fromkeys(features, ON)


def raw(name):
    """The id of one of ICP's own canisters."""
    return CATALOGUE[name].id.raw


def ask(made, name, method, **argument):
    """Call a method of one of ICP's own canisters as the anonymous principal."""
    types = TYPES[method]
    answer = made.call(raw(name), method, candid.encode([argument], types.arg_types))
    return candid.decode(base64.b64decode(answer["Ok"]), types.return_types)[0]


def balance(made, name):
    """The anonymous principal's balance on a ledger."""
    return ask(made, name, "icrc1_balance_of", owner=Principal.anonymous(), subaccount=None)


def pay(made, account):
    """Send an ICP of the anonymous principal to an account, with the memo of a top-up; returns the block."""
    argument = {
        "memo": TOP_UP,
        "amount": {"e8s": ICP},
        "fee": {"e8s": 10_000},
        "from_subaccount": None,
        "to": account,
        "created_at_time": None,
    }
    return ask(made, "ledger", "transfer", **argument)["Ok"]


def kinds(made):
    """The kinds of an instance's subnets, in order."""
    return [config["subnet_kind"] for config in made.topology["subnet_configs"].values()]


def kind_of(made, name):
    """The kind of the subnet that has one of ICP's own canisters; None where the canister does not exist."""
    found = made.post("read/get_subnet", {"canister_id": b64(raw(name))})
    if found is None:
        return None
    subnet = str(Principal(base64.b64decode(found["subnet_id"])))
    return made.topology["subnet_configs"][subnet]["subnet_kind"].lower()


def refusal(client, features, **more):
    """What the server says to an instance with these features."""
    body = {"subnet_config_set": {"application": [{}]}, "icp_features": features, **more}
    return client.post("/instances", body, status=400)["Error"]["message"]


@pytest.fixture
def folder(tmp_path):
    """A folder with modules for all canisters but one, by their names or in the project file."""
    for name in CATALOGUE:
        (tmp_path / f"{name}.wasm").write_bytes(wat(COUNTER))
    (tmp_path / "cycles-minting.wasm").unlink()  # the stand-in learns the price of an ICP, a counter does not
    (tmp_path / "registry.wasm").rename(tmp_path / "of-the-project.wasm")
    (tmp_path / "sns-wasm.wasm").rename(tmp_path / "sns_wasm.wasm")
    (tmp_path / "ic-harness.toml").write_text('[icp]\nregistry = "of-the-project.wasm"\n', encoding="utf-8")
    return tmp_path


@pytest.fixture
def with_files(folder):
    """A client of a server that has all modules."""
    with PocketIcService(ServerOptions(icp_folder=folder)) as service, Client(service.url) as client:
        yield client


def test_ledger_of_the_network(client):
    """`icp_token` alone: an NNS with the ledger, on which the anonymous principal has a thousand million ICP."""
    made = client.create(NONE, icp_features={**wanted("icp_token"), "ii": None})
    assert kinds(made) == ["NNS"]
    assert kind_of(made, "ledger") == "nns"
    assert balance(made, "ledger") == 1_000_000_000 * ICP
    controllers = made.post("read/get_controllers", {"canister_id": b64(raw("ledger"))})
    assert [base64.b64decode(one["principal_id"]) for one in controllers] == [NNS_ROOT.raw]
    assert kind_of(made, "index") is None
    assert made.create_canister()[:8] == bytes.fromhex("ffffffffffe00000")
    client.http.delete(made.path)


def test_payments_become_cycles(client):
    """Ledgers and cycles minting work together, and the features' subnets come before the application subnet."""
    made = client.create(icp_features=wanted("cycles_token", "icp_token", "cycles_minting"))
    assert kinds(made) == ["NNS", "II", "Application"]
    assert MINTING_GENESIS < made.time() < MINTING_GENESIS + 10**6
    assert balance(made, "cycles-ledger") == 1 << 127
    canister = made.create_canister()
    before = made.post("read/get_cycles", {"canister_id": b64(canister)})["cycles"]
    account = bytes([len(canister)]) + canister + bytes(31 - len(canister))
    block = pay(made, account_identifier(CATALOGUE["cycles-minting"].id, account))
    minted = ask(made, "cycles-minting", "notify_top_up", block_index=block, canister_id=Principal(canister))
    assert minted == {"Ok": ICP * RATE}
    after = made.post("read/get_cycles", {"canister_id": b64(canister)})["cycles"]
    assert after - before == ICP * RATE
    client.http.delete(made.path)


def test_canisters_of_other_subnets_call_them(client):
    """A canister of the application subnet asks the ledger on the NNS, as contracts do."""
    made = client.create(icp_features=wanted("icp_token"))
    caller = made.create_canister()
    module = {"wasm_module": wasm("rust/rust"), "arg": b"DIDL\0\1\x78" + bytes(8)}
    made.manage("install_code", mode={"install": None}, canister_id=Principal(caller), **module)
    balance_of = TYPES["icrc1_balance_of"]
    asked = candid.encode([{"owner": Principal.anonymous(), "subaccount": None}], balance_of.arg_types)
    payload = candid.encode((CATALOGUE["ledger"].id, "icrc1_balance_of", asked, 0, None), FORWARD)
    forwarded = base64.b64decode(made.call(caller, "forward", payload)["Ok"])
    assert candid.encode([1_000_000_000 * ICP], balance_of.return_types) in forwarded
    client.http.delete(made.path)


def test_rounds_are_held_as_without_features(client):
    """After the installation rounds are in the hands of the client again, and instances are the same in every run."""
    first, second = (client.create(icp_features=wanted("icp_token")) for _ in range(2))
    assert (first.time(), first.topology) == (second.time(), second.topology)
    counter = first.install(wat(COUNTER))
    submitted = first.submit(counter, "increment")["Ok"]
    status = {"raw_message_id": submitted, "raw_caller": b64(ANONYMOUS)}
    assert first.post("read/ingress_status", status) is None
    first.post("update/tick", {})
    assert "Ok" in first.post("read/ingress_status", status)
    for made in (first, second):
        client.http.delete(made.path)


def test_every_feature_by_files(with_files):
    """With modules for all, each canister is installed on the kind of subnet that has its id."""
    gateway = {"port": 0}
    made = with_files.create(NONE, icp_features=wanted(*FEATURES), http_gateway_config=gateway)
    assert kinds(made) == ["NNS", "SNS", "II", "Bitcoin"]
    found = {name: kind_of(made, name) for name in CATALOGUE}
    assert found == {name: canister.kind.value for name, canister in CATALOGUE.items()}
    for name in ("registry", "sns-wasm", "nns-dapp", "dogecoin"):
        assert base64.b64decode(made.query(raw(name), "get")["Ok"]).endswith(b"\0\0\0\0")


def test_files_go_before_stand_ins(with_files):
    """A module in the folder takes the place of the stand-in."""
    made = with_files.create(NONE, icp_features=wanted("icp_token"))
    assert made.query(raw("ledger"), "ic_harness_stand_in")["Err"]["error_code"] == "CanisterMethodNotFound"
    assert kind_of(made, "index") == "nns"


def test_bitcoin_needs_no_module(client):
    """`bitcoin` without a module is a Bitcoin subnet: the replica answers at the canister's id by itself."""
    made = client.create(icp_features=wanted("bitcoin"))
    assert kinds(made) == ["Bitcoin", "Application"]
    assert kind_of(made, "bitcoin") is None
    client.http.delete(made.path)


def test_missing_modules_are_named(client, tmp_path):
    """Features without modules are refused in one sentence: which files, of which canisters, and where they go."""
    before = client.get("/instances")
    said = refusal(client, wanted("ii", "icp_token", "nns_governance"))
    assert said == (
        "icp_features: nns_governance needs governance.wasm.gz, NNS governance (rrkah-fqaaa-aaaaa-aaaaq-cai); "
        "nns_governance needs root.wasm.gz, NNS root (r7inp-6aaaa-aaaaa-aaabq-cai); "
        "ii needs internet-identity.wasm.gz, Internet Identity (rdmx6-jaaaa-aaaaa-aaadq-cai): download what is "
        "missing, and name it in [icp] of ic-harness.toml. `--icp FOLDER` of the server, or "
        "IC_HARNESS_POCKET_IC_ICP, names a folder with modules"
    )
    assert client.get("/instances") == before
    with PocketIcService(ServerOptions(icp_folder=tmp_path)) as service, Client(service.url) as other:
        said = refusal(other, wanted("ii"))
        assert f"save it with this name in {tmp_path}, or name it in [icp] of {tmp_path}" in said
        (tmp_path / "ic-harness.toml").write_text(
            '[icp]\ninternet_identity = "none.wasm"\n', encoding="utf-8"
        )
        assert "none.wasm (No such file or directory): download" in refusal(other, wanted("ii"))
        (tmp_path / "ic-harness.toml").write_text("[icp\n", encoding="utf-8")
        assert "is no TOML" in refusal(other, wanted("icp_token"))


def test_features_without_stand_ins_are_known():
    """The features that need no file are those of the stand-ins, and Bitcoin."""
    free = {name for name, canisters in FEATURES.items() if {*canisters} & {*STAND_INS, "bitcoin"}}
    assert free == {"icp_token", "cycles_token", "cycles_minting", "bitcoin"}


def test_the_page_needs_others(with_files):
    """`nns_ui` wants the features that its page calls, and a gateway."""
    assert refusal(with_files, wanted("nns_ui", "ii", "sns")) == (
        "icp_features: nns_ui needs these features, too: cycles_minting, icp_token, nns_governance"
    )
    assert "needs `http_gateway_config`" in refusal(with_files, wanted(*FEATURES))


def test_a_module_that_is_refused(with_files, folder, tmp_path):
    """What is no module ends the creation; gateway and instance go, and the state folder can be used again."""
    state = str(tmp_path / "state")
    (folder / "ledger.wasm").write_bytes(b"no module")
    said = refusal(with_files, wanted("icp_token"), state_dir=state, http_gateway_config={})
    assert said.startswith("icp_features: ")
    assert "Wasm" in said
    assert with_files.get("/http_gateway") == []
    assert "Available" not in with_files.get("/instances")
    (folder / "ledger.wasm").write_bytes(wat(COUNTER))
    made = with_files.create(NONE, icp_features=wanted("icp_token"), state_dir=state)
    assert made.query(raw("ledger"), "get")["Ok"]


def test_a_state_folder_keeps_them(client, tmp_path):
    """A canister that exists in a state folder is left as it is; a feature whose subnet is not there is refused."""
    state = str(tmp_path / "state")
    made = client.create(NONE, icp_features=wanted("icp_token"), state_dir=state)
    pay(made, account_identifier(NNS_ROOT))
    left = balance(made, "ledger")
    client.http.delete(made.path)
    again = client.create(NONE, icp_features=wanted("icp_token"), state_dir=state)
    assert balance(again, "ledger") == left == 1_000_000_000 * ICP - ICP - 10_000
    client.http.delete(again.path)
    assert "add a subnet of the kind ii" in refusal(client, wanted("cycles_token"), state_dir=state)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"icp_features": []}, "`icp_features` must be a JSON object, not []"),
        ({"icp_features": "registry"}, "`icp_features` must be a JSON object"),
        ({"icp_features": 0}, "`icp_features` must be a JSON object, not 0"),
        ({"icp_features": {"icp_tokens": ON}}, "no feature 'icp_tokens'; did you mean icp_token"),
        ({"icp_features": {"x" * 100_000: ON}}, "no feature 'xxx"),
        ({"icp_features": {"../ledger": None}}, "no feature '../ledger'"),
        ({"icp_features": {"icp_token": True}}, '`icp_token` must be "DefaultConfig" or null, not True'),
        ({"icp_features": {"icp_token": {"DefaultConfig": []}}}, "`icp_token` must be"),
        (
            {
                "icp_features": {"cycles_minting": ON},
                "initial_time": {"Timestamp": {"nanos_since_epoch": MINTING_GENESIS - 1}},
            },
            f"must be no earlier than {MINTING_GENESIS} (provided {MINTING_GENESIS - 1}).",
        ),
        (
            {"subnet_config_set": {"nns": {"state_config": {"FromPath": "/"}}}, "icp_features": {"icp_token": ON}},
            "state from a folder or blob",
        ),
        ({"icp_config": 5}, "`icp_config` must be a JSON object"),
        ({"icp_config": {"beta_feature": "Enabled"}}, "icp_config: no flag 'beta_feature'; did you mean beta_features"),
        ({"icp_config": {"beta_features": "Enabled"}}, "`beta_features` cannot be Enabled: this server has"),
        ({"icp_config": {"canister_backtrace": "Disabled"}}, "`canister_backtrace` cannot be Disabled: this server's"),
        ({"icp_config": {"canister_backtrace": ["Enabled"]}}, '`canister_backtrace` must be "Enabled", "Disabled"'),
    ],
)  # fmt: skip
def test_what_is_refused(client, more, text):
    """Values of wrong types, unknown names and what cannot be served: a sentence, and nothing stays behind."""
    before = client.get("/instances")
    body = {"subnet_config_set": {"application": [{}]}, **more}
    said = client.post("/instances", body, status=400)["Error"]["message"]
    assert text in said
    assert len(said) < 500
    assert client.get("/instances") == before


@pytest.mark.parametrize("limited", ["Enabled", "Disabled", None])
def test_harmless_switches(client, limited):
    """The switches that clients send with their defaults, and without limits of rates, change nothing."""
    flags = {
        "beta_features": "Disabled",
        "canister_backtrace": "Enabled",
        "function_name_length_limits": "Enabled",
        "canister_execution_rate_limiting": limited,
    }
    made = client.create(icp_config=flags, icp_features={})
    assert kinds(made) == ["Application"]
    client.http.delete(made.path)


@pytest.mark.parametrize("limits", ["Enabled", "Disabled"])
def test_limits_of_method_names(client, limits):
    """Modules with 1,001 methods, or 20,001 bytes of names, as benchmarks have them, unless the names are limited."""
    made = client.create(icp_config={"function_name_length_limits": limits})
    for names in ([f"method_{number}" for number in range(1_001)], ["m" * 10_000, "n" * 10_001]):
        exports = "".join(f'(func (export "canister_update {name}"))' for name in names)
        canister = made.create_canister()
        argument = {
            "mode": {"install": None},
            "canister_id": Principal(canister),
            "wasm_module": wat(f"(module {exports})"),
            "arg": b"",
        }
        answer = made.call(b"", "install_code", candid.encode((argument,), METHODS["install_code"].arg_types))
        assert ("Ok" in answer) == (limits == "Disabled"), answer
        if limits == "Enabled":
            assert "`canister_update <name>`" in answer["Err"]["reject_message"]
        else:
            assert made.call(canister, names[-1])["Err"]["error_code"] == "CanisterDidNotReply"
    client.http.delete(made.path)


def test_the_program_names_the_folder(folder, tmp_path, monkeypatch):
    """`--icp`, or the variable for clients that start servers themselves; a folder that is none ends the program."""
    for number, arguments in enumerate((["--icp", str(folder)], [])):
        place = tmp_path / str(number)
        place.mkdir()
        with started(place, *arguments) as (_, url), Client(url) as client:
            assert kind_of(client.create(NONE, icp_features=wanted("ii")), "internet-identity") == "ii"
        monkeypatch.setenv("IC_HARNESS_POCKET_IC_ICP", str(folder))
    monkeypatch.setenv("IC_HARNESS_POCKET_IC_ICP", str(tmp_path / "none"))
    done = subprocess.run(PROGRAM, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "there is no folder" in done.stderr


def test_the_command_names_the_folder(folder, monkeypatch):
    """`ic-harness pocket-ic serve` has the same option and the same variable."""
    seen = []
    monkeypatch.setattr(server, "run", lambda options, **_: seen.append(options.icp_folder))
    runner = CliRunner()
    assert runner.invoke(pocket_ic, ["serve", "--icp", str(folder)]).exit_code == 0
    monkeypatch.setenv("IC_HARNESS_POCKET_IC_ICP", str(folder))
    assert runner.invoke(pocket_ic, ["serve"]).exit_code == 0
    assert seen == [folder, folder]
    refused = runner.invoke(pocket_ic, ["serve", "--icp", str(folder / "none")])
    assert refused.exit_code == 2
    assert "does not exist" in refused.output
