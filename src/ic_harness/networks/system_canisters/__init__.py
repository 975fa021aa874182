"""The Internet Computer's own canisters, installed at their ids on mainnet: modules of the user, or stand-ins.

    chosen = select_icp("stand-ins")                   or "project", or {"ledger": "wasms/ledger.wasm.gz"}
    chosen = select_features(["icp_token", "ii"])      by PocketIC's names
    install_icp(replica, chosen)

`embedded(icp=…)` does both. The stand-ins of this package have the interfaces of the ICP ledger, the cycles ledger and
the cycles minting canister as far as tests of other canisters need them; they are not DFINITY's canisters.
"""

from .catalogue import CATALOGUE, FEATURES, STAND_INS, SystemCanister
from .init_arguments import Situation, account_identifier
from .installation import install_icp, with_kinds
from .selection import IcpChoice, Selected, read_icp_table, select_features, select_icp

__all__ = [
    "CATALOGUE",
    "FEATURES",
    "STAND_INS",
    "IcpChoice",
    "Selected",
    "Situation",
    "SystemCanister",
    "account_identifier",
    "install_icp",
    "read_icp_table",
    "select_features",
    "select_icp",
    "with_kinds",
]
