"""Canister execution: Wasm modules, memories that roll back, and the `ic0` system API.

The replica hands in a message as plain data (interface.py) and gets back what it did; Wasmtime and the
operating system's memory mappings stay behind this door.
"""

from .candid_pointer import read_candid_pointer
from .code_change import CodeChange, NewCode
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
from .message_limit import check_instructions, check_slices
from .module import Module, unpack
from .observation import ObservedMessage, observed
from .progress import Progress, SliceExhausted
from .recent_traps import TrapPlace
from .shared_processor import SharedProcessor
from .threads import QUERIES, Task, WasmThreads, start_thread, stop_at_exit
from .validation import CustomSection, ModuleInvalid

__all__ = [
    "QUERIES",
    "CodeChange",
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
    "NewCode",
    "ObservedMessage",
    "Outcome",
    "OutgoingCall",
    "PageDiff",
    "Progress",
    "Reject",
    "Reply",
    "SharedProcessor",
    "SliceExhausted",
    "Task",
    "TrapPlace",
    "Trapped",
    "WasmThreads",
    "check_instructions",
    "check_slices",
    "inspect_module",
    "observed",
    "read_candid_pointer",
    "start_thread",
    "stop_at_exit",
    "unpack",
]
