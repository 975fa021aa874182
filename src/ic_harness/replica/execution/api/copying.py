"""The pair of functions by which canisters fetch a value of any length: its size, and a copy of a part."""

from __future__ import annotations

from collections.abc import Callable

from ic_harness.replica.execution.frame import Frame
from ic_harness.replica.execution.traps import contract, heap_out_of_bounds

SizeFunction = Callable[[Frame], int]
CopyFunction = Callable[[Frame, int, int, int], None]


def copy_part(frame: Frame, name: str, value: bytes, *part: int) -> None:
    """Copy `value[offset:offset + size]` to `address`; the part must lie inside the value.

    `part` is (address, offset, size), as the canister passed them.
    """
    address, offset, size = part
    if offset + size > len(value):
        raise contract(
            f"{name}: offset {offset} + size {size} is out of bounds of a value of {len(value)} bytes"
        )
    if address + size > frame.heap.size:
        raise heap_out_of_bounds()
    frame.write(address, value[offset : offset + size])


def pair(name: str, value: Callable[[Frame], bytes]) -> tuple[SizeFunction, CopyFunction]:
    """`<name>_size` and `<name>_copy` for what `value` finds."""

    def size(frame: Frame) -> int:
        return len(value(frame))

    def copy(frame: Frame, address: int, offset: int, count: int) -> None:
        copy_part(frame, f"ic0.{name}_copy", value(frame), address, offset, count)

    return size, copy
