"""Arguments of `init` for the Internet Computer's own canisters, as mainnet's were or as PocketIC passes them.

Types have the fields that are passed here and no others: Candid lets the missing optional ones be null, and lets a
canister ignore those that it does not know. Canisters of another age that want other arguments get them from
`init-arg` in `ic-harness.toml`.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable
from typing import Any, Final

from ic_harness import candid
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal

GOVERNANCE: Final = Principal.from_text("rrkah-fqaaa-aaaaa-aaaaq-cai")
LEDGER: Final = Principal.from_text("ryjl3-tyaaa-aaaaa-aaaba-cai")
CYCLES_LEDGER: Final = Principal.from_text("um5iw-rqaaa-aaaaq-qaaba-cai")
CYCLES_LEDGER_INDEX: Final = Principal.from_text("ul4oc-4iaaa-aaaaq-qaabq-cai")
CYCLES_MINTING: Final = Principal.from_text("rkp4c-7iaaa-aaaaa-aaaca-cai")
INDEX: Final = Principal.from_text("qhbym-qaaaa-aaaaa-aaafq-cai")
INTERNET_IDENTITY: Final = Principal.from_text("rdmx6-jaaaa-aaaaa-aaadq-cai")
NNS_DAPP: Final = Principal.from_text("qoctq-giaaa-aaaaa-aaaea-cai")
SNS_AGGREGATOR: Final = Principal.from_text("3r4gx-wqaaa-aaaaq-aaaia-cai")
_ICP_SWAP: Final = Principal.from_text("uvevg-iyaaa-aaaak-ac27q-cai")
SNS_WASM: Final = Principal.from_text("qaa6y-5yaaa-aaaaa-aaafa-cai")

ICP_E8S: Final = 1_000_000_000 * 10**8
"""What each holder has on the ICP ledger at start: a thousand million ICP, in e8s."""
CYCLES: Final = 10**16
"""What each holder has on the cycles ledger at start: ten thousand trillion cycles."""
GATEWAY_PORT: Final = 4943
"""The port of a network's HTTP gateway where nothing else is said: that of dfx."""
FEE_E8S: Final = 10_000
_BLOCKS_PER_REQUEST: Final = 50
_HALF_DAY_S: Final = 12 * 60 * 60
_FOUR_DAYS_S: Final = 4 * 24 * 60 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What arguments depend on.

    `holders` own the first tokens. `sns_subnets` are ids of SNS subnets. `names` are the canisters that are installed.
    `now_ns` is the network's time, ns since 1970. `cycles` is what each holder has on the cycles ledger.
    `gateway_port` is the port of the HTTP gateway on this machine, for pages that call others.
    """

    holders: tuple[Principal, ...]
    sns_subnets: tuple[Principal, ...] = ()
    names: frozenset[str] = frozenset()
    now_ns: int = 0
    cycles: int = CYCLES
    gateway_port: int = GATEWAY_PORT


def account_identifier(owner: Principal, subaccount: bytes = bytes(32)) -> bytes:
    """Return the 32 bytes that name an account on the ICP ledger: CRC-32, then SHA-224 of owner and subaccount."""
    digest = hashlib.sha224(b"\x0aaccount-id" + owner.raw + subaccount).digest()
    return zlib.crc32(digest).to_bytes(4, "big") + digest


def _encoder(types: str) -> Callable[..., bytes]:
    """Return a function that encodes its arguments as these Candid types."""
    parsed: list[candid.Type] = []

    def encode(*values: Any) -> bytes:
        if not parsed:  # on first use: a run without these canisters parses nothing
            parsed.extend(candid.parse(f"service : ({types}) -> {{}}").init_args or ())
        return candid.encode(list(values), parsed)

    return encode


def empty_record(_: Situation) -> bytes:
    """One record without fields."""
    return _EMPTY({})


def ledger(situation: Situation) -> bytes:
    """The ICP ledger: minted by NNS governance, with its fee, name and symbol."""
    return _LEDGER(
        {
            "Init": {
                "minting_account": account_identifier(GOVERNANCE).hex(),
                "icrc1_minting_account": {"owner": GOVERNANCE, "subaccount": None},
                "initial_values": [
                    (account_identifier(holder).hex(), {"e8s": ICP_E8S}) for holder in situation.holders
                ],
                "send_whitelist": [],
                "transfer_fee": {"e8s": FEE_E8S},
                "token_symbol": "ICP",
                "token_name": "Internet Computer",
                "feature_flags": {"icrc2": True},
            }
        }
    )


def index(_: Situation) -> bytes:
    """The index of the ICP ledger."""
    return _INDEX({"ledger_id": LEDGER})


def cycles_ledger(situation: Situation) -> bytes:
    """The cycles ledger: the holders' cycles are among those that the canister has at start."""
    indexed = "cycles-ledger-index" in situation.names
    return _CYCLES_LEDGER(
        {
            "Init": {
                "max_blocks_per_request": _BLOCKS_PER_REQUEST,
                "index_id": CYCLES_LEDGER_INDEX if indexed else None,
                "initial_balances": [
                    ({"owner": holder, "subaccount": None}, situation.cycles) for holder in situation.holders
                ],
            }
        }
    )


def cycles_ledger_index(_: Situation) -> bytes:
    """The index of the cycles ledger."""
    return _CYCLES_LEDGER_INDEX({"Init": {"ledger_id": CYCLES_LEDGER}})


def cycles_minting(_: Situation) -> bytes:
    """The cycles minting canister: it burns at NNS governance's account, and mints for the cycles ledger."""
    return _CYCLES_MINTING(
        {
            "ledger_canister_id": LEDGER,
            "governance_canister_id": GOVERNANCE,
            "minting_account_id": account_identifier(GOVERNANCE).hex(),
            "cycles_ledger_canister_id": CYCLES_LEDGER,
        }
    )


def internet_identity(_: Situation) -> bytes:
    """Internet Identity: mainnet's range of identity numbers, no captcha, the root key of this network."""
    return _INTERNET_IDENTITY(
        {
            "assigned_user_number_range": (10_000, 8_188_860),
            "captcha_config": {
                "max_unsolved_captchas": 50,
                "captcha_trigger": {"Static": {"CaptchaDisabled": None}},
            },
            "fetch_root_key": True,
            "is_production": False,
        }
    )


def registry(_: Situation) -> bytes:
    """An empty NNS registry: what tests need in it they propose, or pass as `init-arg`."""
    return _REGISTRY({"mutations": []})


def governance(situation: Situation) -> bytes:
    """NNS governance without neurons and proposals."""
    return _GOVERNANCE(
        {
            "genesis_timestamp_seconds": situation.now_ns // 10**9,
            "wait_for_quiet_threshold_seconds": _FOUR_DAYS_S,
            "short_voting_period_seconds": _HALF_DAY_S,
            **{name: [] for name in _GOVERNANCE_LISTS},
        }
    )


def sns_wasm(situation: Situation) -> bytes:
    """SNS-W, which deploys to the SNS subnets of the network."""
    return _SNS_WASM(
        {
            "sns_subnet_ids": list(situation.sns_subnets),
            "access_controls_enabled": False,
            "allowed_principals": [],
        }
    )


def sns_aggregator(_: Situation) -> bytes:
    """The SNS aggregator, with mainnet's intervals."""
    return _SNS_AGGREGATOR({"update_interval_ms": 120_000, "fast_interval_ms": 10_000})


def nns_dapp(situation: Situation) -> bytes:
    """The NNS dapp: the ids of the canisters that it calls, and their addresses behind the network's gateway."""

    def page(canister: Principal) -> str:
        return f"http://{canister}.localhost:{situation.gateway_port}"

    host = f"http://localhost:{situation.gateway_port}"
    settings = {
        "API_HOST": host,
        "CYCLES_MINTING_CANISTER_ID": str(CYCLES_MINTING),
        "DFX_NETWORK": "local",
        "FEATURE_FLAGS": json.dumps(_DAPP_FLAGS),
        "FETCH_ROOT_KEY": "true",
        "GOVERNANCE_CANISTER_ID": str(GOVERNANCE),
        "HOST": host,
        "ICP_SWAP_URL": page(_ICP_SWAP),
        "IDENTITY_SERVICE_URL": page(INTERNET_IDENTITY),
        "INDEX_CANISTER_ID": str(INDEX),
        "LEDGER_CANISTER_ID": str(LEDGER),
        "OWN_CANISTER_ID": str(NNS_DAPP),
        "PLAUSIBLE_DOMAIN": f"{NNS_DAPP}.localhost",
        "ROBOTS": "",
        "SNS_AGGREGATOR_URL": page(SNS_AGGREGATOR),
        "STATIC_HOST": host,
        "TVL_CANISTER_ID": str(NNS_DAPP),
        "WASM_CANISTER_ID": str(SNS_WASM),
    }
    return _NNS_DAPP({"args": list(settings.items())})


def migration(_: Situation) -> bytes:
    """The canister migration orchestrator, which any caller may use."""
    return _MIGRATION({"allowlist": None})


def regtest(_: Situation) -> bytes:
    """A canister of Bitcoin or Dogecoin for the network of a developer's machine."""
    return _REGTEST({"network": {"regtest": None}})


_ACCOUNT: Final = "record { owner : principal; subaccount : opt blob }"
_E8S: Final = "record { e8s : nat64 }"
_GOVERNANCE_LISTS: Final = {
    "default_followees": "int32",
    "topic_followee_index": "int32",
    "neurons": "nat64",
    "proposals": "nat64",
    "in_flight_commands": "nat64",
    "node_providers": "",
    "to_claim_transfers": "",
}
"""Lists of the state of NNS governance, with the type of their keys; all are empty here, so entries have no fields."""
_DAPP_FLAGS: Final = {
    "DISABLE_CKTOKENS": True,
    "DISABLE_IMPORT_TOKEN_VALIDATION_FOR_TESTING": False,
    "ENABLE_APY_PORTFOLIO": True,
    "ENABLE_CKTESTBTC": False,
    "ENABLE_DISBURSE_MATURITY": True,
    "ENABLE_LAUNCHPAD_REDESIGN": True,
    "ENABLE_NEW_TABLES": True,
    "ENABLE_NNS_TOPICS": False,
    "ENABLE_SNS_TOPICS": True,
}
"""Switches of the NNS dapp, as PocketIC's server sets them."""

_EMPTY = _encoder("record {}")
_LEDGER = _encoder(
    "variant { Init : record { minting_account : text; icrc1_minting_account : opt "
    f"{_ACCOUNT}; initial_values : vec record {{ text; {_E8S} }}; send_whitelist : vec principal; transfer_fee : opt "
    f"{_E8S}; token_symbol : opt text; token_name : opt text; feature_flags : opt record {{ icrc2 : bool }} }} }}"
)
_INDEX = _encoder("record { ledger_id : principal }")
_CYCLES_LEDGER = _encoder(
    "variant { Init : record { max_blocks_per_request : nat64; index_id : opt principal; initial_balances : opt vec "
    f"record {{ {_ACCOUNT}; nat }} }} }}"
)
_CYCLES_LEDGER_INDEX = _encoder("opt variant { Init : record { ledger_id : principal } }")
_CYCLES_MINTING = _encoder(
    "opt record { ledger_canister_id : opt principal; governance_canister_id : opt principal; "
    "minting_account_id : opt text; cycles_ledger_canister_id : opt principal }"
)
_INTERNET_IDENTITY = _encoder(
    "opt record { assigned_user_number_range : opt record { nat64; nat64 }; captcha_config : opt record { "
    "max_unsolved_captchas : nat64; captcha_trigger : variant { Static : variant { CaptchaDisabled } } }; "
    "fetch_root_key : opt bool; is_production : opt bool }"
)
_REGISTRY = _encoder("record { mutations : vec record {} }")
_GOVERNANCE = _encoder(
    "record { genesis_timestamp_seconds : nat64; wait_for_quiet_threshold_seconds : nat64; "
    "short_voting_period_seconds : nat64; "
    + "; ".join(
        f"{name} : vec record {{ {key}; record {{}} }}" if key else f"{name} : vec record {{}}"
        for name, key in _GOVERNANCE_LISTS.items()
    )
    + " }"
)
_SNS_WASM = _encoder(
    "record { sns_subnet_ids : vec principal; access_controls_enabled : bool; allowed_principals : vec principal }"
)
_SNS_AGGREGATOR = _encoder("opt record { update_interval_ms : nat64; fast_interval_ms : nat64 }")
_NNS_DAPP = _encoder("opt record { args : vec record { text; text } }")
_MIGRATION = _encoder("record { allowlist : opt vec principal }")
_REGTEST = _encoder("record { network : opt variant { regtest } }")
