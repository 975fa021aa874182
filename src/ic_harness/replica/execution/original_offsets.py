"""Leads from a position in the code that runs back to the module that was uploaded.

The rewriter (`metering`) copies every function body and inserts code that charges the counter; it says where.
"""

from __future__ import annotations

from collections.abc import Sequence

from ic_harness.lazy_dataclass import dataclass

from .metering import Insertions
from .wasm_binary import MAGIC, SectionId
from .wasm_reader import Reader, WasmDecodeError


@dataclass(frozen=True, slots=True)
class CodeSection:
    """The content of a code section, and where in the module and in the content its bodies lie.

    `start` is the offset of the content in the module; `bodies` are the first and last offsets in the content.
    """

    content: bytes
    start: int
    bodies: tuple[tuple[int, int], ...]


def code_section(wasm: bytes) -> CodeSection:
    """Find the code of a valid module. Raises `WasmDecodeError` where there is none."""
    reader = Reader(wasm)
    reader.position = len(MAGIC)
    while not reader.done:
        number, size = reader.byte(), reader.number()
        start = reader.position
        content = reader.take(size)
        if number == SectionId.CODE:
            return CodeSection(content, start, tuple(_bodies(content)))
    raise WasmDecodeError("the module has no code")


def _bodies(content: bytes) -> list[tuple[int, int]]:
    reader = Reader(content)
    found = []
    for _ in range(reader.count("functions")):
        size = reader.number()
        start = reader.position
        reader.take(size)
        found.append((start, start + size))
    return found


class OriginalOffsets:
    """Positions in the rewritten module as offsets in the original code section.

    `imports` is the number of functions that the original imports; `insertions` is what was inserted into the others.
    """

    def __init__(
        self, original: CodeSection, rewritten: CodeSection, imports: int, insertions: Sequence[Insertions]
    ) -> None:
        self._original = original
        self._rewritten = rewritten
        self._imports = imports
        self._insertions = insertions

    def find(self, function: int, module_offset: int) -> int | None:
        """Return the offset in the original code section of an instruction of the rewritten module.

        `function` is its function's index. None for functions that are not the canister's, and for offsets that are not
        in the code of the function. For inserted code it is the next instruction of the canister.
        """
        index = function - self._imports
        if not 0 <= index < len(self._original.bodies):
            return None
        start, end = self._rewritten.bodies[index]
        offset = module_offset - self._rewritten.start - start
        inserted = self._insertions[index]
        if not inserted.start <= offset < end - start:
            return None
        found = offset - inserted.start + inserted.own_start
        for own, length in inserted.points:
            if found < own:
                break
            found = max(own, found - length)
        return self._original.bodies[index][0] + found
