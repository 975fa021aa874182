"""Which functions change the state of their instance: found among bytes that only look like such instructions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ic_capsule.backend import reference_wasm
from ic_harness.replica.execution import instructions
from ic_harness.replica.execution.module import unpack
from ic_harness.replica.execution.wasm_binary import parse
from ic_harness.replica.execution.wasm_reader import WasmDecodeError


def leb(value, width=1):
    """An unsigned LEB128 number in at least so many bytes."""
    out = bytearray()
    while value > 0x7F or len(out) + 1 < width:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


LOOKALIKES = (0x26, 0xFC, 0xFC09, 0x0CFC, 0x11FC, 0x2600, 0xFC80)
numbers = st.builds(leb, st.sampled_from(LOOKALIKES) | st.integers(0, 2**32 - 1), st.integers(1, 5))
"""Numbers whose bytes look like changing instructions, and any others."""


def with_numbers(opcodes, count):
    """Instructions that so many numbers follow."""
    return st.builds(
        lambda opcode, found: bytes([opcode]) + b"".join(found),
        st.sampled_from(opcodes),
        st.lists(numbers, min_size=count, max_size=count),
    )


def prefixed(number, count):
    """An instruction behind 0xFC, its number in each form, that so many numbers follow."""
    return st.builds(
        lambda width, found: b"\xfc" + leb(number, width) + b"".join(found),
        st.integers(1, 3),
        st.lists(numbers, min_size=count, max_size=count),
    )


def raw(opcode, count):
    """An instruction that so many bytes of any content follow."""
    return st.binary(min_size=count, max_size=count).map(lambda content: bytes([opcode]) + content)


harmless = st.one_of(
    with_numbers((0x00, 0x01, 0x0B, 0x0F, 0x1A, 0x45, 0x6A, 0xC4, 0xD1), 0),
    with_numbers(
        (0x02, 0x03, 0x04, 0x0C, 0x0D, 0x10, 0x20, 0x24, 0x25, 0x3F, 0x40, 0x41, 0x42, 0xD0, 0xD2), 1
    ),
    with_numbers((0x11, 0x28, 0x3E), 2),
    st.lists(numbers, max_size=4).map(lambda found: b"\x0e" + leb(len(found)) + b"".join([*found, leb(0)])),
    raw(0x43, 4),
    raw(0x44, 8),
    raw(0xFD, 16).map(lambda found: b"\xfd\x0c" + found[1:]),
    st.just(b"\x1c\x02\x7f\x7e"),
    *[prefixed(number, 0) for number in range(8)],
    prefixed(0x08, 2),
    prefixed(0x0A, 2),
    prefixed(0x0B, 1),
    prefixed(0x10, 1),
)
changing = [
    with_numbers((0x26,), 1),
    *[prefixed(number, 1) for number in (0x09, 0x0C, 0x0D, 0x0E, 0x0F, 0x11)],
]


@given(st.lists(harmless, max_size=30), st.none() | st.one_of(changing), st.lists(harmless, max_size=5))
def test_changes_are_found(before, change, after):
    """A function with one changing instruction is found, one without is not, whatever its numbers look like."""
    body = b"\x01\x02\x7f" + b"".join([*before, change or b"", *after])
    assert instructions._body_changes(body) == (change is not None)


@given(st.one_of(*changing[1:], st.integers(1, 5).map(lambda width: b"\x26" + leb(0, width))))
def test_the_pattern_misses_nothing(change):
    """A changing instruction of the only table is looked at, in whatever form its numbers are."""
    assert instructions._suspect(1).search(change)


@pytest.mark.parametrize("body", [b"", b"\x01", b"\x00\x41", b"\x00\x41\x80", b"\x00\xfc", b"\x00\x44abc"])
def test_functions_that_end_early(body):
    with pytest.raises(WasmDecodeError):
        instructions._body_changes(body)


def test_unknown_instructions():
    with pytest.raises(WasmDecodeError, match="0xe0"):
        instructions._body_changes(b"\x00\xe0")


def test_of_a_real_module_hardly_anything_is_read():
    """The reference backend changes nothing, and few of its functions look as if they did."""
    binary = parse(unpack(reference_wasm()))
    suspect = instructions._suspect(len(binary.tables))
    assert sum(suspect.search(body) is not None for body in binary.bodies) < len(binary.bodies) // 20
    assert not instructions.changes_instance_state(binary)
