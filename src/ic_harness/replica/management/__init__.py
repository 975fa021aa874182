"""The management canister `aaaaa-aa`: creating canisters, installing code, and all that tools ask it for."""

from .call import ManagementReject
from .dispatch import (
    METHODS,
    NOT_MODELLED,
    ManagementCanister,
    check_user_call,
    effective_canister,
    module_of,
)
from .effects import ManagementEffects
from .query import answer_query

__all__ = [
    "METHODS",
    "NOT_MODELLED",
    "ManagementCanister",
    "ManagementEffects",
    "ManagementReject",
    "answer_query",
    "check_user_call",
    "effective_canister",
    "module_of",
]
