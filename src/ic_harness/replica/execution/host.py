"""Turns the rows of the system API into host functions: decode, check the context, call, encode."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from typing import Any

import wasmtime

from ic_harness.lazy_dataclass import dataclass

from .call_weights import printing_weight, sizes_of
from .frame import RUNNING
from .native import CELL, HOST_CALLBACK, function_type, host_trap
from .table import ROWS, Row
from .traps import heap_out_of_bounds, instruction_limit, trapped, wrong_mode
from .wasm_reader import I32, I64

_WIDTHS = {"i": 32, "l": 64}


@dataclass(frozen=True, slots=True)
class HostFunction:
    """What a store needs to make the function: its type and the callback (kept alive here)."""

    kind: wasmtime.FuncType
    callback: Any


def wasm_types(letters: str, *, is_64: bool) -> bytes:
    """Value types of the binary format for the table's letters."""
    kinds = {"I": I64 if is_64 else I32, "i": I32, "l": I64}
    return bytes(kinds[letter] for letter in letters)


def system_api(*, is_64: bool) -> dict[str, HostFunction]:
    """Host functions for canisters with this pointer type, by name.

    Those that live in Wasm are not among them.
    """
    return {
        row.name: HostFunction(
            function_type(wasm_types(row.params, is_64=is_64), wasm_types(row.results, is_64=is_64)),
            HOST_CALLBACK(_bind(row, is_64=is_64)),
        )
        for row in ROWS
        if row.function is not None and not (row.only_32 and is_64)
    }


def stable_failures() -> list[HostFunction]:
    """What the stable memory's module calls when it must not go on, in the order of its imports."""
    reasons = [
        lambda: trapped("stable memory out of bounds"),
        heap_out_of_bounds,
        lambda: trapped("32 bit stable memory api used on a memory larger than 4GB"),
    ]
    return [HostFunction(function_type(b"", b""), HOST_CALLBACK(_failing(reason))) for reason in reasons]


def _bind(row: Row, *, is_64: bool) -> Callable[[int, int, int, int], int]:
    assert row.function is not None
    layout = {"I": "Q8x" if is_64 else "I12x", "i": "I12x", "l": "Q8x"}
    unpack = struct.Struct("<" + "".join(layout[letter] for letter in row.params)).unpack
    size = CELL * len(row.params)
    bits = 64 if is_64 and row.results == "I" else _WIDTHS.get(row.results, 32)
    mask = (1 << bits) - 1
    function, modes, name = row.function, row.modes, row.name
    cost, by_text = row.cost, printing_weight(row.name)
    each, sizes = sizes_of(row.name)
    string_at, cell = ctypes.string_at, ctypes.c_uint64.from_address

    def callback(_environment: int, _caller: int, cells: int, _count: int) -> int:
        # ctypes drops what a callback raises and the engine goes on, so everything that can fail is inside.
        try:
            frame = RUNNING.frame
            assert frame is not None, "bug: a system call outside of a message"
            arguments = unpack(string_at(cells, size)) if size else ()
            # WEIGHT
            frame.overhead += cost if by_text is None else cost + by_text(frame, arguments)
            for index in sizes:
                frame.overhead += each * arguments[index]
            if frame.overhead > frame.env.instruction_limit:
                raise instruction_limit(frame.env.instruction_limit)  # noqa: TRY301  every failure goes one way
            # CONTEXT
            if frame.env.mode not in modes:
                raise wrong_mode(name, frame.env.mode, frame.task)  # noqa: TRY301  every failure goes one way
            result = function(frame, *arguments)
            if result is not None:
                cell(cells).value = result & mask
        except BaseException as error:  # noqa: BLE001  raised again by the runner of the message
            if RUNNING.frame is not None:
                RUNNING.frame.failure = error
            return host_trap()
        return 0

    return callback


def _failing(reason: Callable[[], Exception]) -> Callable[[int, int, int, int], int]:
    def callback(_environment: int, _caller: int, _cells: int, _count: int) -> int:
        frame = RUNNING.frame
        if frame is not None:
            frame.failure = reason()
        return host_trap()

    return callback
