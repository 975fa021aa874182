"""The management canister `aaaaa-aa`: creating canisters, installing code, and all that tools ask it for."""

from .bitcoin_canisters import BITCOIN_CANISTERS
from .call import InstallationEnd, ManagementReject
from .code import run_dry
from .dispatch import (
    INSTALLING,
    METHODS,
    NOT_MODELLED,
    ManagementCanister,
    check_user_call,
    effective_canister,
    module_of,
    specified_id,
)
from .effects import ManagementEffects
from .query import answer_query
from .settings import DELAYED_BYTES

__all__ = [
    "BITCOIN_CANISTERS",
    "DELAYED_BYTES",
    "INSTALLING",
    "METHODS",
    "NOT_MODELLED",
    "InstallationEnd",
    "ManagementCanister",
    "ManagementEffects",
    "ManagementReject",
    "answer_query",
    "check_user_call",
    "effective_canister",
    "module_of",
    "run_dry",
    "specified_id",
]
