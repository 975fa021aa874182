"""The source lines of a trap, from the DWARF of the module that was uploaded.

Lines are found when somebody asks for them. They are no part of the reject, whose text is the network's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ic_harness.code_cache import CodeCache

from .dwarf_cursor import MalformedDwarf
from .dwarf_inlines import find_calls
from .dwarf_lines import SourceLine, find_lines
from .metering import Rewriter, insertions_of
from .module import draft, unpack
from .original_offsets import OriginalOffsets, code_section
from .validation import ModuleInvalid
from .wasm_binary import Kind
from .wasm_reader import WasmDecodeError

_SECTIONS: Final = frozenset({
    ".debug_line", ".debug_str", ".debug_line_str", ".debug_info", ".debug_abbrev", ".debug_ranges",
})  # fmt: skip
_UNKNOWN: Final = "unknown function"


def trap_lines(wasm: bytes, frames: Sequence[tuple[int, int]], names: Sequence[str]) -> tuple[str, ...]:
    """Return a text such as `src/lib.rs:42 in counter::add` for each frame with a known line.

    A frame whose function has inlined others has a text for each, the innermost first.

    `wasm` is the module as uploaded, a frame the index of a function and an offset in the module that runs. `names` are
    those of the frames, or nothing. Empty where the line tables cannot be read: they are the canister's own.
    """
    try:
        found = _find(wasm, frames)
    except (MalformedDwarf, ModuleInvalid, WasmDecodeError):
        return ()
    return tuple(
        f"{line.file or 'unknown file'}:{line.line} in {name}"
        for name, lines in zip(names or (_UNKNOWN,) * len(frames), found, strict=False)
        for line in lines
        if line.line
    )


def _find(wasm: bytes, frames: Sequence[tuple[int, int]]) -> list[list[SourceLine]]:
    """Return the lines of each frame. Raises `MalformedDwarf`, `ModuleInvalid` and `WasmDecodeError`."""
    made = draft(wasm, limit_names=False)  # it was accepted when it was installed
    kinds = [item.kind for item in made.binary.imports]
    rewritten, inserted = Rewriter(CodeCache(None)).meter_with_insertions(made.instrumented.wasm)
    offsets = OriginalOffsets(
        code_section(unpack(wasm)),
        code_section(rewritten),
        kinds.count(Kind.FUNCTION),
        insertions_of(inserted),
    )
    places = [offsets.find(function, offset) for function, offset in frames]
    sections = {item.name: item.content for item in made.binary.sections if item.name in _SECTIONS}
    wanted = [place for place in places if place is not None]
    known = find_lines(sections, wanted)
    try:
        calls = find_calls(sections, wanted)
    except MalformedDwarf:  # the lines themselves are in another section
        calls = {}
    return [[known[it], *calls.get(it, ())] if it in known else [] for it in places]
