"""Source lines that executed, from the blocks that did and the line table (DWARF) of the uploaded module."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from .dwarf_cursor import MalformedDwarf
from .dwarf_lines import all_lines
from .module import unpack
from .tracing import Places
from .wasm_binary import parse

_SECTIONS: Final = (".debug_line", ".debug_str", ".debug_line_str")
_STEPS: Final = 20_000_000
"""Operations of line programs that are read: some seconds."""


def executed_lines(wasm: bytes, places: Places, covered: bytes) -> dict[str, dict[int, bool]]:
    """Return by file, for each line with code, whether any block of it executed. Empty without a line table.

    `wasm` is the module as uploaded. File names are the canister's own texts. A line table that cannot be read is as
    good as none.
    """
    binary = parse(unpack(wasm))
    sections = {item.name: item.content for item in binary.sections if item.name in _SECTIONS}
    try:
        rows = all_lines(sections, _STEPS)
    except MalformedDwarf:
        return {}
    blocks = sorted(places.blocks, key=lambda block: block.start)
    ends = [block.end for block in blocks]  # blocks do not overlap, so their ends are sorted, too
    found: dict[str, dict[int, bool]] = {}
    for start, end, line in rows:
        if not line.line or not line.file:
            continue
        index = bisect_left(ends, start + 1)
        while index < len(blocks) and blocks[index].start < end:
            known = found.setdefault(line.file, {})
            known[line.line] = known.get(line.line, False) or covered[blocks[index].byte] == 1
            index += 1
    return found
