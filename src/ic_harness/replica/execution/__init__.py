"""Canister execution: Wasm modules, memories that roll back, and the `ic0` system API.

The replica hands in a message as plain data (interface.py) and gets back what it did; Wasmtime and the
operating system's memory mappings stay behind this door.
"""

from .api.prices import SIGN_WITH_ECDSA, SIGN_WITH_SCHNORR, VETKD_DERIVE_KEY
from .api.prices import http_request as outcall_price
from .code_cache import default_folder
from .engine import Engine
from .inspection import ModuleFacts, inspect_module
from .instance import Instance, MemorySnapshot, PageDiff
from .interface import (
    Completed,
    Effects,
    Entry,
    Environment,
    Mode,
    Outcome,
    OutgoingCall,
    Reject,
    Reply,
    Trapped,
)
from .interrupts import Interrupted, Interrupts
from .module import Module, unpack
from .threads import QUERIES, Task, WasmExecutor, WasmThreads, start_thread, stop_at_exit
from .validation import CustomSection, ModuleInvalid

__all__ = [
    "QUERIES",
    "SIGN_WITH_ECDSA",
    "SIGN_WITH_SCHNORR",
    "VETKD_DERIVE_KEY",
    "Completed",
    "CustomSection",
    "Effects",
    "Engine",
    "Entry",
    "Environment",
    "Instance",
    "Interrupted",
    "Interrupts",
    "MemorySnapshot",
    "Mode",
    "Module",
    "ModuleFacts",
    "ModuleInvalid",
    "Outcome",
    "OutgoingCall",
    "PageDiff",
    "Reject",
    "Reply",
    "Task",
    "Trapped",
    "WasmExecutor",
    "WasmThreads",
    "default_folder",
    "inspect_module",
    "outcall_price",
    "start_thread",
    "stop_at_exit",
    "unpack",
]
