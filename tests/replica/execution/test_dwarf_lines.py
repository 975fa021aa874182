"""Line tables of DWARF: every version that compilers write, and bytes that are none."""

from __future__ import annotations

import gzip
import random
import struct
from pathlib import Path

import pytest

from ic_harness.code_cache import CodeCache
from ic_harness.replica.execution import dwarf_cursor
from ic_harness.replica.execution.dwarf_cursor import MalformedDwarf
from ic_harness.replica.execution.dwarf_inlines import find_calls
from ic_harness.replica.execution.dwarf_lines import SourceLine, find_lines
from ic_harness.replica.execution.metering import Rewriter, insertions_of
from ic_harness.replica.execution.module import draft
from ic_harness.replica.execution.original_offsets import OriginalOffsets, code_section
from ic_harness.replica.execution.wasm_binary import Kind, parse

CANISTERS = Path(__file__).parents[3] / "fixtures" / "canisters"

# address 0x20 in file 1: line 10 for 2 bytes, line 12 column 5 for 4 bytes; then a function that the linker dropped
PROGRAM = bytes.fromhex(
    "0005 02 20000000"  # set the address
    "03 09 01"  # 9 lines on: a row
    "05 05"  # column 5
    "30"  # special: 2 bytes and 2 lines on
    "02 04 00 01 01"  # 4 bytes on, the end
    "0005 02 00000000 03 20 01 02 7f 00 01 01"
)
LENGTHS = bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])


def unit(version, tables, program=PROGRAM, *, wide=False):
    """A unit of a line table; `tables` are its directories and files as bytes."""
    size = "<Q" if wide else "<I"
    head = bytes([1, *([1] if version >= 4 else []), 1, 0xFB, 14, 13]) + LENGTHS + tables
    body = struct.pack("<H", version) + (b"\x04\x00" if version == 5 else b"")
    body += struct.pack(size, len(head)) + head + program
    return (b"\xff\xff\xff\xff" if wide else b"") + struct.pack(size, len(body)) + body


OLD = b"src\0/core/src\0\0" + b"lib.rs\0\x01\0\0" + b"\0"
NEW = bytes.fromhex("01 01 1f 02 00000000 07000000") + bytes.fromhex(
    "02 01 1f 02 0b 02 00000000 00 0b000000 01"
)
STRINGS = b"/place\0src\0lib.rs\0"


@pytest.mark.parametrize("wide", [False, True], ids=["32 bits", "64 bits"])
@pytest.mark.parametrize("version", [2, 3, 4])
def test_older_versions(version, wide):
    """The rows of versions 2 to 4; an address between rows has the row before, one outside has none."""
    section = unit(version, OLD, wide=wide)
    found = find_lines({".debug_line": section}, [0x1F, 0x20, 0x21, 0x22, 0x25, 0x26, 2])
    first, second = SourceLine("src/lib.rs", 10, 0), SourceLine("src/lib.rs", 12, 5)
    assert found == {0x20: first, 0x21: first, 0x22: second, 0x25: second}


def test_version_5():
    """Version 5 has its names in a section of their own, and counts files from 0."""
    sections = {".debug_line": unit(5, NEW), ".debug_line_str": STRINGS}
    assert find_lines(sections, [0x22]) == {0x22: SourceLine("src/lib.rs", 12, 5)}


def test_units_follow_each_other():
    """An address is looked for in every unit."""
    later = PROGRAM.replace(bytes.fromhex("20000000"), bytes.fromhex("40000000"))
    section = unit(4, OLD) + unit(4, OLD.replace(b"lib", b"new"), later)
    found = find_lines({".debug_line": section}, [0x20, 0x42])
    assert [found[address].file for address in (0x20, 0x42)] == ["src/lib.rs", "src/new.rs"]


def test_hostile_bytes(monkeypatch):
    """Damaged tables end as `MalformedDwarf` or without lines, within the budget of steps."""
    monkeypatch.setattr(dwarf_cursor, "MAX_STEPS", 2_000)
    chance = random.Random(15)
    whole = unit(5, NEW) + unit(4, OLD)
    for _ in range(1_500):
        bytes_ = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            bytes_[chance.randrange(len(bytes_))] = chance.choice(
                [0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)]
            )
        section = bytes(bytes_[: chance.randrange(len(bytes_) + 1)])
        try:
            find_lines({".debug_line": section, ".debug_line_str": STRINGS}, [0x20, 0x22])
        except MalformedDwarf:
            continue


def test_endless_tables(monkeypatch):
    """A table of any length with entries of no bytes, and a program of any length, cost no more than the budget."""
    monkeypatch.setattr(dwarf_cursor, "MAX_STEPS", 1_000)
    for section in (unit(5, b"\x00" + b"\xff" * 8 + b"\x01"), unit(4, OLD, b"\x01" * 10_000)):
        with pytest.raises(MalformedDwarf, match="more than 1,000 steps"):
            find_lines({".debug_line": section}, [0x20])


def test_hostile_entries(monkeypatch):
    """Damaged entries of functions end as `MalformedDwarf` or without calls, within the budget of steps."""
    monkeypatch.setattr(dwarf_cursor, "MAX_STEPS", 5_000)
    wasm = gzip.decompress((CANISTERS / "rust" / "lines.wasm.gz").read_bytes())
    whole = {
        section.name: section.content for section in parse(wasm).sections if section.name.startswith(".debug")
    }
    wanted = [start for start, _ in code_section(wasm).bodies]
    wanted += [start + 20 for start in wanted]
    assert find_calls(whole, range(10, 600))
    chance = random.Random(16)
    for _ in range(600):
        name = chance.choice([".debug_info", ".debug_abbrev", ".debug_ranges"])
        bytes_ = bytearray(whole[name])
        for _ in range(chance.randrange(1, 6)):
            bytes_[chance.randrange(len(bytes_))] = chance.choice(
                [0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)]
            )
        try:
            find_calls({**whole, name: bytes(bytes_[: chance.randrange(len(bytes_) + 1)])}, wanted)
        except MalformedDwarf:
            continue


@pytest.mark.parametrize("name", ["motoko/wallet", "rust/lines", "rust/rust"])
def test_positions_lead_back_to_the_original(name):
    """Every function of a real module fits its rewritten form from the first to the last byte."""
    wasm = gzip.decompress((CANISTERS / f"{name}.wasm.gz").read_bytes())
    binary = parse(wasm)
    kinds = [item.kind for item in binary.imports]
    imports = kinds.count(Kind.FUNCTION)
    rewritten, inserted = Rewriter(CodeCache(None)).meter_with_insertions(draft(wasm).instrumented.wasm)
    original, runs = code_section(wasm), code_section(rewritten)
    offsets = OriginalOffsets(original, runs, imports, insertions_of(inserted))
    assert len(runs.bodies) == len(original.bodies) + 1
    for index, (_, end) in enumerate(original.bodies):
        last = runs.start + runs.bodies[index][1] - 1
        assert offsets.find(imports + index, last) == end - 1
    assert offsets.find(imports - 1, last) is None
    assert offsets.find(imports + len(original.bodies), last) is None
    assert offsets.find(imports, last) is None
