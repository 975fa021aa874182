"""ICP's own canisters: which are installed where, and the stand-ins for ledger, cycles ledger and cycles minting."""

from __future__ import annotations

import hashlib

import pytest

from ic_harness import candid
from ic_harness.errors import InputError, RejectError
from ic_harness.networks import embedded
from ic_harness.networks.system_canisters import (
    CATALOGUE,
    FEATURES,
    STAND_INS,
    Situation,
    account_identifier,
    install_icp,
    select_features,
    select_icp,
    with_kinds,
)
from ic_harness.principal import Principal
from ic_harness.protocol import Certificate, cbor
from ic_harness.replica import Replica, ReplicaConfig, allocate, parse_subnets
from ic_harness.units import TRILLION
from tests.replica.support import CANISTERS

CMC = CATALOGUE["cycles-minting"].id
TOP_UP, CREATE, MINT = 0x50555054, 0x41455243, 0x544E494D
ICP = 10**8
RATE = 35_200
"""Ten-thousandths of XDR for an ICP, which is as many cycles for each e8."""
RUST = (CANISTERS / "rust" / "rust.wasm.gz").read_bytes()


@pytest.fixture(scope="module")
def shared():
    """Two application subnets with the stand-ins, on an NNS and a subnet of Internet Identity."""
    with embedded(icp="stand-ins", subnets="application=2") as network:
        yield network


@pytest.fixture
def network(shared):
    """The network as it was at start."""
    with shared.anchored():
        yield shared


def subaccount(owner):
    """The subaccount of the cycles minting canister that belongs to a principal."""
    return bytes([len(owner.raw)]) + owner.raw + bytes(31 - len(owner.raw))


def pay(network, memo, owner, e8s=ICP):
    """Pay ICP to the cycles minting canister on account of `owner`; returns the block."""
    transfer = {
        "memo": memo,
        "amount": {"e8s": e8s},
        "fee": {"e8s": 10_000},
        "from_subaccount": None,
        "to": account_identifier(CMC, subaccount(owner)),
        "created_at_time": None,
    }
    return network.icp["ledger"].transfer(transfer)["Ok"]


def cycles(network, canister):
    return network.replica.canister(canister).cycles


# --- installation -------------------------------------------------------------------------------------------


def test_ids_and_subnets(network):
    """Each stand-in is at its id on mainnet, on the kind of subnet that has it, and controlled by NNS root too."""
    for name in STAND_INS:
        known = CATALOGUE[name]
        (subnet,) = (it for it in network.subnets if known.id in it)
        assert subnet.kind == known.kind.value
        assert CATALOGUE["root"].id.raw in network.replica.canister(known.id).settings.controllers
    texts = [network.icp[name].ic_harness_stand_in() for name in STAND_INS]
    assert all("stand-in" in text for text in texts)
    assert str(CATALOGUE["ledger"].id) == "ryjl3-tyaaa-aaaaa-aaaba-cai"


def test_every_argument_encodes():
    """The argument of each canister can be encoded and decoded."""
    situation = Situation(holders=(Principal.anonymous(),), names=frozenset(CATALOGUE), now_ns=10**18)
    for canister in CATALOGUE.values():
        arg = canister.init(situation)
        assert len(candid.decode(arg, candid.message_types(arg))) == 1


def test_account_identifiers():
    """The anonymous principal's account is the one that the network's tools know."""
    known = "1c7a48ba6a562aa9eaa2481a9049cdf0433b9738c992d698c31d8abf89cadc79"
    assert account_identifier(Principal.anonymous()).hex() == known


def test_modules_of_a_project(tmp_path):
    """A module of the user is installed with the argument that the table says; names are those of the catalogue."""
    (tmp_path / "ii.wasm.gz").write_bytes(RUST)
    (tmp_path / "ii.did").write_bytes((CANISTERS / "rust" / "rust.did").read_bytes())
    (tmp_path / "ic-harness.toml").write_text(
        '[icp]\nledger = "stand-in"\n[icp.internet-identity]\nwasm = "ii.wasm.gz"\ninit-arg = "(7)"\n',
        encoding="utf-8",
    )
    with embedded(icp=tmp_path) as network:
        assert list(network.icp) == ["ledger", "internet-identity"]
        found = network.icp["internet-identity"]
        assert str(found._id) == "rdmx6-jaaaa-aaaaa-aaadq-cai"
        assert found.get() == 7
        made = network.create_canister()
        assert int.from_bytes(made.raw[:8], "big") >= 1 << 32, "ids of mainnet stay free"


def test_a_state_folder_keeps_them(tmp_path):
    """A canister that exists is left as it is when the network is opened again."""
    with embedded(tmp_path, icp="stand-ins") as network:
        before = network.icp["ledger"].icrc1_total_supply()
        pay(network, TOP_UP, CMC)
    with embedded(tmp_path, icp="stand-ins") as network:
        assert network.icp["ledger"].icrc1_total_supply() == before - 10_000


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ("stand-in", "did you mean stand-ins"),
        ({"ledgre": "x"}, "did you mean ledger"),
        ({"internet-identity": "stand-in"}, "there is no stand-in for Internet Identity: download"),
        ({"ledger": "missing.wasm"}, "No such file.*download the module of the ICP ledger .ryjl3-.*stand-in"),
        ({"ledger": {"init-arg": "()"}}, "the keys are wasm and init-arg"),
        ({"ledger": {"wasm": "stand-in", "init-arg": "(1)"}}, "init-arg do not fit"),
        ({"ledger": 5}, "must be the path of a module"),
        ("project", r"no table \[icp\]"),
    ],
)
def test_errors_say_what_to_do(tmp_path, choice, text):
    """What cannot be installed is an error that names it and what to do."""
    with pytest.raises(InputError, match=text):
        select_icp(choice, tmp_path)


def test_features():
    """PocketIC's features are the canisters that there are modules for; an index may be missing."""
    chosen = select_features(["icp_token", "cycles_token", "cycles_minting"])
    assert {one.canister.name for one in chosen} == set(STAND_INS)
    assert all(one.is_stand_in for one in chosen)
    assert {name for names in FEATURES.values() for name in names} <= set(CATALOGUE)
    with pytest.raises(InputError, match=r"ii needs internet-identity.wasm.gz.*name it in \[icp\]"):
        select_features(["ii"])
    with pytest.raises(InputError, match="no feature"):
        select_features(["icp_tokens"])


def test_features_by_files(tmp_path):
    """A folder that is named has modules by their names; the project file and a name go before a stand-in."""
    (tmp_path / "internet_identity.wasm.gz").write_bytes(RUST)
    (tmp_path / "ledger.wasm").write_bytes(RUST)
    (tmp_path / "other.wasm").write_bytes(b"other")
    (tmp_path / "ic-harness.toml").write_text('[icp]\ncycles_ledger = "other.wasm"\n', encoding="utf-8")
    chosen = select_features(["cycles_minting", "cycles_token", "icp_token", "ii"], tmp_path)
    assert {one.canister.name: (one.wasm == RUST, one.is_stand_in) for one in chosen} == {
        "ledger": (True, False),
        "cycles-minting": (False, True),
        "cycles-ledger": (False, False),
        "internet-identity": (True, False),
    }
    with pytest.raises(
        InputError, match=r"sns needs sns-wasm.wasm.gz.*; ii needs.*save it with this name in"
    ):
        select_features(["sns", "ii"], tmp_path / "..")
    with pytest.raises(InputError, match="is no folder with modules"):
        select_features(["ii"], tmp_path / "none")


def test_a_network_with_ranges_keeps_them():
    """New canisters of a network of one subnet with ranges of its own get ids of these ranges."""
    with Replica(ReplicaConfig(subnets=allocate(parse_subnets("nns")))) as replica:
        install_icp(replica, select_icp({"ledger": "stand-in"}))
        made = replica.execute_update(
            Principal.anonymous(),
            Principal.management(),
            "provisional_create_canister_with_cycles",
            candid.encode([{}], candid.parse_types("(record {})")),
        )
        assert replica.nodes.host(made[-10:]) is not None


def test_an_installation_goes_on(tmp_path):
    """A canister whose module was refused is there without one, and gets another module later."""
    with Replica(ReplicaConfig()) as replica:
        (tmp_path / "ledger.wasm").write_bytes(b"no module")
        with pytest.raises(RejectError):
            install_icp(replica, select_icp({"ledger": "ledger.wasm"}, tmp_path))
        install_icp(replica, select_icp({"ledger": "stand-in"}))
        assert replica.canister(CATALOGUE["ledger"].id).installed


def test_subnets_that_ids_need():
    """Subnets are added to a description; a network without them refuses the canister."""
    chosen = select_icp("stand-ins")
    assert with_kinds("application=2,NNS", chosen) == "application=2,NNS,ii"
    assert with_kinds({"application": 1}, chosen) == {"application": 1, "nns": 1, "ii": 1}
    assert with_kinds(None, chosen) is None
    with (
        Replica(ReplicaConfig(subnets=parse_subnets("application=2"))) as replica,
        pytest.raises(InputError, match=r"um5iw-.*add a subnet of the kind ii"),
    ):
        install_icp(replica, chosen)


# --- the ICP ledger -----------------------------------------------------------------------------------------


def test_legacy_and_icrc_accounts_are_the_same(network):
    """What is sent to an account identifier is the balance of that owner and subaccount."""
    ledger, owner = network.icp["ledger"], Principal.self_authenticating(b"alice")
    transfer = {
        "memo": 5,
        "amount": {"e8s": 7 * ICP},
        "fee": {"e8s": 10_000},
        "from_subaccount": None,
        "to": account_identifier(owner, b"\1" * 32),
        "created_at_time": {"timestamp_nanos": network.time_ns()},
    }
    block = ledger.transfer(transfer)["Ok"]
    assert ledger.transfer(transfer) == {"Err": {"TxDuplicate": {"duplicate_of": block}}}
    assert ledger.icrc1_balance_of({"owner": owner, "subaccount": b"\1" * 32}) == 7 * ICP
    assert ledger.account_identifier({"owner": owner, "subaccount": b"\1" * 32}) == transfer["to"]
    (found,) = ledger.query_blocks({"start": block, "length": 5})["blocks"]
    assert found["transaction"]["operation"]["Transfer"]["amount"] == {"e8s": 7 * ICP}
    assert found["transaction"]["memo"] == 5
    wrong = {**transfer, "fee": {"e8s": 1}}
    assert ledger.transfer(wrong) == {"Err": {"BadFee": {"expected_fee": {"e8s": 10_000}}}}
    with pytest.raises(RejectError, match="no account identifier"):
        ledger.transfer({**transfer, "to": bytes(32)})


# --- the cycles minting canister ----------------------------------------------------------------------------


def test_top_up(network):
    """A payment with the memo of a top-up becomes cycles at the rate, once, and is burned."""
    canister, minting = network.create_canister(), network.icp["cycles-minting"]
    before, supply = cycles(network, canister), network.icp["ledger"].icrc1_total_supply()
    block = pay(network, TOP_UP, canister)
    for _ in range(2):
        assert minting.notify_top_up({"block_index": block, "canister_id": canister}) == {"Ok": ICP * RATE}
    assert cycles(network, canister) - before == ICP * RATE
    assert supply - network.icp["ledger"].icrc1_total_supply() == ICP + 10_000


def test_payments_that_do_not_fit(network):
    """A payment of another memo or account, or of no block, is refused and can still be used."""
    canister, minting = network.create_canister(), network.icp["cycles-minting"]
    block = pay(network, CREATE, canister)
    for index in (block, 10**6, 0):
        refused = minting.notify_top_up({"block_index": index, "canister_id": canister})
        assert "InvalidTransaction" in refused["Err"]
    other = minting.notify_top_up({"block_index": pay(network, TOP_UP, canister), "canister_id": CMC})
    assert "InvalidTransaction" in other["Err"]
    minting.set_icp_xdr_conversion_rate(
        {"data_source": "test", "timestamp_seconds": 1, "xdr_permyriad_per_icp": 10_000}
    )
    again = pay(network, TOP_UP, canister)
    assert minting.notify_top_up({"block_index": again, "canister_id": canister}) == {"Ok": TRILLION}


def test_a_payment_for_no_canister_goes_back(network):
    """A top-up of a canister that does not exist is refunded, less the fees."""
    ledger, minting = network.icp["ledger"], network.icp["cycles-minting"]
    nobody = Principal(bytes.fromhex("00000000000fffff0101"))
    own = {"owner": network.deployer.principal, "subaccount": None}
    before = ledger.icrc1_balance_of(own)
    refused = minting.notify_top_up({"block_index": pay(network, TOP_UP, nobody), "canister_id": nobody})
    assert refused["Err"]["Refunded"]["block_index"] is not None
    assert before - ledger.icrc1_balance_of(own) == 10_000 + 2 * 10_000


def test_create_by_payment(network):
    """A payment with the memo of a creation becomes a canister of its payer, on an application subnet."""
    payer = network.deployer.principal
    answer = network.icp["cycles-minting"].notify_create_canister(
        {
            "block_index": pay(network, CREATE, payer),
            "controller": payer,
            "subnet_type": None,
            "subnet_selection": None,
            "settings": None,
        }
    )
    made = answer["Ok"]
    assert network.replica.canister(made).settings.controllers == (payer.raw,)
    assert cycles(network, made) == ICP * RATE - 500_000_000_000
    assert any(made in subnet for subnet in network.subnets if subnet.kind == "application")
    network.install(made, RUST, candid.encode([3], [candid.NAT64]))


def test_create_on_a_subnet(network):
    """A caller names the subnet, which must be one for new canisters."""
    payer, (*_, last) = network.deployer.principal, [it for it in network.subnets if it.kind == "application"]
    minting = network.icp["cycles-minting"]
    assert minting.get_default_subnets() == [it.id for it in network.subnets if it.kind == "application"]

    def create(subnet):
        block = pay(network, CREATE, payer)
        selected = {"Subnet": {"subnet": subnet}}
        args = {"block_index": block, "controller": payer, "subnet_type": None, "settings": None}
        return minting.notify_create_canister({**args, "subnet_selection": selected})

    assert create(last.id)["Ok"] in last
    assert "Refunded" in create(network.subnets[0].id)["Err"]


def test_mint_for_the_cycles_ledger(network):
    """A payment with the memo of minting becomes a balance on the cycles ledger, less its fee."""
    own = {"owner": network.deployer.principal, "subaccount": None}
    before = network.icp["cycles-ledger"].icrc1_balance_of(own)
    block = pay(network, MINT, network.deployer.principal)
    minted = network.icp["cycles-minting"].notify_mint_cycles(
        {"block_index": block, "to_subaccount": None, "deposit_memo": None}
    )["Ok"]
    assert minted["minted"] == ICP * RATE
    assert minted["balance"] - before == ICP * RATE - 100_000_000


def test_the_certified_rate(network):
    """The rate's hash tree has the root that the network certifies."""
    answer = network.icp["cycles-minting"].get_icp_xdr_conversion_rate()
    assert answer["data"]["xdr_permyriad_per_icp"] == RATE
    tree = cbor.decode(answer["hash_tree"])
    certificate = Certificate.from_cbor(answer["certificate"])
    certified = certificate.lookup_value([b"canister", CMC.raw, b"certified_data"])
    assert _root(tree) == certified
    rate = candid.decode(tree[2][2][1], candid.parse_types("(record { xdr_permyriad_per_icp : nat64 })"))
    assert rate[0]["xdr_permyriad_per_icp"] == RATE


def _root(tree) -> bytes:
    """The root hash of a hash tree, by the interface specification."""
    match tree:
        case [1, left, right]:
            return _hash(b"ic-hashtree-fork", _root(left) + _root(right))
        case [2, label, below]:
            return _hash(b"ic-hashtree-labeled", label + _root(below))
        case [3, leaf]:
            return _hash(b"ic-hashtree-leaf", leaf)
    raise AssertionError(tree)


def _hash(separator: bytes, content: bytes) -> bytes:
    return hashlib.sha256(bytes([len(separator)]) + separator + content).digest()


# --- the cycles ledger --------------------------------------------------------------------------------------


def test_create_through_the_cycles_ledger(network):
    """As `dfx` creates canisters: from a balance of cycles, with settings, once for the same request."""
    ledger, owner = network.icp["cycles-ledger"], network.deployer.principal
    before = ledger.icrc1_balance_of({"owner": owner, "subaccount": None})
    request = {
        "from_subaccount": None,
        "created_at_time": network.time_ns(),
        "amount": 2 * TRILLION,
        "creation_args": None,
    }
    made = ledger.create_canister(request)["Ok"]
    assert cycles(network, made["canister_id"]) == 2 * TRILLION - 500_000_000_000
    assert before - ledger.icrc1_balance_of({"owner": owner, "subaccount": None}) == 2 * TRILLION + 10**8
    again = ledger.create_canister(request)["Err"]["Duplicate"]
    assert again == {"duplicate_of": made["block_id"], "canister_id": made["canister_id"]}
    poor = ledger.create_canister({**request, "created_at_time": None, "amount": 10**9})["Err"]
    assert "FailedToCreate" in poor


def test_withdraw_and_deposit(network):
    """Cycles leave the ledger for a canister; for one that does not exist they come back, less two fees."""
    ledger, owner = network.icp["cycles-ledger"], network.deployer.principal
    canister = network.create_canister()
    before = cycles(network, canister)
    request = {"amount": TRILLION, "from_subaccount": None, "to": canister, "created_at_time": None}
    assert "Ok" in ledger.withdraw(request)
    assert cycles(network, canister) - before == TRILLION
    own = {"owner": owner, "subaccount": None}
    held = ledger.icrc1_balance_of(own)
    nobody = Principal(bytes.fromhex("00000000000fffff0101"))
    failed = ledger.withdraw({**request, "to": nobody})["Err"]["FailedToWithdraw"]
    assert failed["rejection_code"] == {"DestinationInvalid": None}
    assert held - ledger.icrc1_balance_of(own) == 2 * 10**8
    assert "InvalidReceiver" in ledger.withdraw({**request, "to": owner})["Err"]


def test_withdraw_by_allowance(network):
    """A spender withdraws and creates from an account as far as its allowance goes."""
    ledger, owner = network.icp["cycles-ledger"], network.deployer.principal
    spender = Principal.self_authenticating(b"spender")
    account = {"owner": owner, "subaccount": None}
    allowance = {
        "from_subaccount": None,
        "spender": {"owner": spender, "subaccount": None},
        "amount": 3 * TRILLION,
        "expected_allowance": None,
        "expires_at": None,
        "fee": None,
        "memo": None,
        "created_at_time": None,
    }
    assert "Ok" in ledger.icrc2_approve(allowance)
    canister = network.create_canister()
    args = {"spender_subaccount": None, "from": account, "created_at_time": None}
    by = ledger.as_(spender)
    assert "Ok" in by.withdraw_from({**args, "to": canister, "amount": TRILLION})
    made = by.create_canister_from({**args, "amount": TRILLION, "creation_args": None})["Ok"]
    assert network.replica.canister(made["canister_id"]).settings.controllers == (spender.raw,)
    refused = by.withdraw_from({**args, "to": canister, "amount": TRILLION})["Err"]
    assert refused == {"InsufficientAllowance": {"allowance": TRILLION - 2 * 10**8}}
