"""What calls of the system API count for, in instructions: the figures of DFINITY's replica.

Its `system_api_complexity::overhead` has the weight of each call; `linker` has what bytes add to it. Functions of
stable memory are not here: they live in Wasm, see `stable_memory_modules`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .frame import Frame

_USUAL: Final = 500
_FIXED: Final = {
    "call_new": 1_500,
    "call_perform": 5_000,
    "debug_print": 100,
    "is_controller": 1_000,
    "performance_counter": 200,
}
_TRANSMITTED: Final = 50
"""Instructions for a byte that leaves the canister."""
_LOG_CAPACITY: Final = 4096
"""Bytes of a canister's log on mainnet by default, by which the weight of a printed line is bounded."""
_SIZES: Final = {
    "call_new": (1, 3),
    "env_var_name_copy": (3,),
    "env_var_value_copy": (4,),
    **dict.fromkeys(("is_controller", "certified_data_set"), (1,)),
    **dict.fromkeys(("cost_sign_with_ecdsa", "cost_sign_with_schnorr", "cost_vetkd_derive_key"), (1,)),
}
"""Which arguments are numbers of bytes of which each counts for one instruction; of other `…_copy` the third is."""
_SENT: Final = frozenset({"msg_reply_data_append", "msg_reject", "call_data_append"})
"""Functions whose second argument is a number of bytes that leave the canister."""

ByteWeight = Callable[[Frame, tuple[int, ...]], int]
"""Returns what a call counts for by its arguments, besides its fixed weight."""


def fixed_weight(name: str) -> int:
    """Return what every call of this function counts for."""
    return _FIXED.get(name, _USUAL)


def sizes_of(name: str) -> tuple[int, tuple[int, ...]]:
    """Return what a byte counts for in a call of this function, and which arguments are numbers of such bytes."""
    if name in _SENT:
        return _TRANSMITTED, (1,)
    return 1, _SIZES.get(name, (2,) if name.endswith("_copy") else ())


def printing_weight(name: str) -> ByteWeight | None:
    """Return what the text counts for that a call of this function prints; None for functions that print nothing."""
    if name == "debug_print":
        return lambda frame, arguments: _printing(frame, arguments[1])
    if name == "trap":
        return lambda frame, arguments: arguments[1] + _printing(frame, arguments[1])
    return None


def _printing(frame: Frame, size: int) -> int:
    """A line is kept in place of older ones, and sent to the replica as far as the log has room in this message."""
    room = max(0, _LOG_CAPACITY - frame.logs.size)
    return 2 * min(size, _LOG_CAPACITY) + _TRANSMITTED * min(size, room)
