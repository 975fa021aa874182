"""The system API as a table: name, type, contexts, and function.

Interface specification, "Overview of imports"; `mint_cycles128` is the replica's alone. Types: `I` is a pointer (i32,
in 64-bit canisters i64), `i` i32, `l` i64. Contexts as in the specification; `*` is all but `s`. Functions without a
Python function live in Wasm (glue.py) and may be called everywhere. `describe()` writes it out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ic_harness.lazy_dataclass import dataclass

from .api import calls, certified, cycles, environment, message
from .call_weights import fixed_weight
from .interface import Mode

_LETTERS = {mode.value: mode for mode in Mode}
_EVERYWHERE = frozenset(Mode)
_STARTED = _EVERYWHERE - {Mode.START}


@dataclass(frozen=True, slots=True)
class Row:
    """One function of `ic0`. `function` None = in Wasm; `only_32` = not for 64-bit canisters."""

    name: str
    params: str
    results: str
    contexts: str
    function: Callable[..., Any] | None
    only_32: bool = False

    @property
    def cost(self) -> int:
        """Instructions that a call of it counts for, apart from its bytes; none where it lives in Wasm."""
        return 0 if self.function is None else fixed_weight(self.name)

    @property
    def modes(self) -> frozenset[Mode]:
        """The contexts in which it may be called."""
        if self.contexts.startswith("*"):
            return _EVERYWHERE if "s" in self.contexts else _STARTED
        modes = {_LETTERS[letter] for letter in self.contexts.split()}
        return frozenset(modes | {Mode.POST_UPGRADE} if Mode.INIT in modes else modes)


_INFO = "U RQ NRQ CQ Ry Rt CRy CRt C CC F"
_ANSWER = "U RQ NRQ TQ CQ Ry Rt CRy CRt"
_CALL = "U CQ Ry Rt CRy CRt T"
_STATEFUL = "I G U Ry Rt C T"
_WITH_CYCLES = "U RQ Rt Ry"
_REPLICATED = "I G U RQ Ry Rt C T"


def _pair(name: str, contexts: str, size: Any, copy: Any) -> list[Row]:
    return [
        Row(f"{name}_size", "", "I", contexts, size),
        Row(f"{name}_copy", "III", "", contexts, copy),
    ]


ROWS: tuple[Row, ...] = (
    *_pair("msg_arg_data", "I U RQ NRQ TQ CQ Ry CRy F", message.arg_data_size, message.arg_data_copy),
    *_pair("msg_caller", "*", message.caller_size, message.caller_copy),
    *_pair("msg_caller_info_data", _INFO, message.caller_info_data_size, message.caller_info_data_copy),
    *_pair("msg_caller_info_signer", _INFO, message.caller_info_signer_size, message.caller_info_signer_copy),
    Row("msg_reject_code", "", "i", "Ry Rt CRy CRt C", message.reject_code),
    *_pair("msg_reject_msg", "Rt CRt", message.reject_message_size, message.reject_message_copy),
    Row("msg_deadline", "", "l", "U RQ NRQ CQ Ry Rt CRy CRt", message.deadline),
    Row("msg_reply_data_append", "II", "", _ANSWER, message.reply_data_append),
    Row("msg_reply", "", "", _ANSWER, message.reply),
    Row("msg_reject", "II", "", _ANSWER, message.reject),
    *_pair("msg_method_name", "F", message.method_name_size, message.method_name_copy),
    Row("accept_message", "", "", "F", message.accept_message),
    Row("msg_cycles_available128", "I", "", _WITH_CYCLES, cycles.available128),
    Row("msg_cycles_refunded128", "I", "", "Rt Ry", cycles.refunded128),
    Row("msg_cycles_accept128", "llI", "", _WITH_CYCLES, cycles.accept128),
    Row("cycles_burn128", "llI", "", _REPLICATED, cycles.burn128),
    Row("mint_cycles128", "llI", "", "U Ry Rt T", cycles.mint128),
    *_pair("canister_self", "*", environment.self_size, environment.self_copy),
    *_pair("subnet_self", "*", environment.subnet_self_size, environment.subnet_self_copy),
    Row("canister_cycle_balance128", "I", "", "*", cycles.balance128),
    Row("canister_liquid_cycle_balance128", "I", "", "*", cycles.liquid_balance128),
    Row("canister_status", "", "i", "*", environment.status),
    Row("canister_version", "", "l", "*", environment.version),
    Row("call_new", "IIIIIIII", "", _CALL, calls.call_new),
    Row("call_on_cleanup", "II", "", _CALL, calls.call_on_cleanup),
    Row("call_data_append", "II", "", _CALL, calls.call_data_append),
    Row("call_with_best_effort_response", "i", "", _CALL, calls.call_with_best_effort_response),
    Row("call_cycles_add128", "ll", "", "U Ry Rt T", calls.call_cycles_add128),
    Row("call_perform", "", "i", _CALL, calls.call_perform),
    Row("stable64_size", "", "l", "* s", None),
    Row("stable64_grow", "l", "l", "* s", None),
    Row("stable64_write", "lll", "", "* s", None),
    Row("stable64_read", "lll", "", "* s", None),
    *_pair("root_key", _REPLICATED, certified.root_key_size, certified.root_key_copy),
    Row("certified_data_set", "II", "", "I G U Ry Rt T", certified.certified_data_set),
    Row("data_certificate_present", "", "i", "*", certified.data_certificate_present),
    *_pair("data_certificate", "NRQ CQ", certified.data_certificate_size, certified.data_certificate_copy),
    Row("time", "", "l", "*", environment.now),
    Row("global_timer_set", "l", "l", _STATEFUL, environment.global_timer_set),
    Row("performance_counter", "i", "l", "* s", environment.performance_counter),
    Row("is_controller", "II", "i", "* s", environment.is_controller),
    Row("in_replicated_execution", "", "i", "* s", environment.in_replicated_execution),
    Row("cost_call", "llI", "", "* s", cycles.cost_call),
    Row("cost_create_canister", "I", "", "* s", cycles.cost_create_canister),
    Row("cost_http_request", "llI", "", "* s", cycles.cost_http_request),
    Row("cost_sign_with_ecdsa", "IIiI", "i", "* s", cycles.cost_sign_with_ecdsa),
    Row("cost_sign_with_schnorr", "IIiI", "i", "* s", cycles.cost_sign_with_schnorr),
    Row("cost_vetkd_derive_key", "IIiI", "i", "* s", cycles.cost_vetkd_derive_key),
    Row("env_var_count", "", "I", "*", environment.variable_count),
    Row("env_var_name_size", "I", "I", "*", environment.variable_name_size),
    Row("env_var_name_copy", "IIII", "", "*", environment.variable_name_copy),
    Row("env_var_name_exists", "II", "i", "*", environment.variable_exists),
    Row("env_var_value_size", "II", "I", "*", environment.variable_value_size),
    Row("env_var_value_copy", "IIIII", "", "*", environment.variable_value_copy),
    Row("debug_print", "II", "", "* s", environment.debug_print),
    Row("trap", "II", "", "* s", environment.trap),
    Row("msg_cycles_available", "", "l", _WITH_CYCLES, cycles.available, only_32=True),
    Row("msg_cycles_refunded", "", "l", "Rt Ry", cycles.refunded, only_32=True),
    Row("msg_cycles_accept", "l", "l", _WITH_CYCLES, cycles.accept, only_32=True),
    Row("canister_cycle_balance", "", "l", "*", cycles.balance, only_32=True),
    Row("call_cycles_add", "l", "", "U Ry Rt T", calls.call_cycles_add, only_32=True),
    Row("stable_size", "", "i", "* s", None, only_32=True),
    Row("stable_grow", "i", "i", "* s", None, only_32=True),
    Row("stable_write", "iii", "", "* s", None, only_32=True),
    Row("stable_read", "iii", "", "* s", None, only_32=True),
)

BY_NAME: dict[str, Row] = {row.name: row for row in ROWS}


def describe() -> str:
    """The table as text, a line a function."""
    return "\n".join(
        f"{row.name:34} {f'({row.params}) -> ({row.results})':20} {'32-bit' if row.only_32 else '':7} {row.contexts}"
        for row in ROWS
    )
