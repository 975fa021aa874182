"""Reads numbers and texts of DWARF from a section of a canister: lengths are checked, and steps are counted."""

from __future__ import annotations

from typing import Final

MAX_STEPS: Final = 1_500_000
"""Steps of one pass over a section, some seconds; the line table of a canister with the whole standard library of Rust
in it takes less than a million."""
_MAX_TEXT: Final = 1_000


class MalformedDwarf(Exception):  # noqa: N818  not an error of the callers
    """The bytes are no DWARF that is understood, or more of it than is read."""


class Cursor:
    """A position `at` in a section; `steps` are left.

    Methods raise `MalformedDwarf`, and `IndexError` behind the end.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.steps = MAX_STEPS

    def number(self, size: int) -> int:
        """Read an unsigned number of `size` bytes."""
        end = self.at + size
        if end > len(self.data):
            raise MalformedDwarf("the section ends in a number")
        value = int.from_bytes(self.data[self.at : end], "little")
        self.at = end
        return value

    def leb(self) -> int:
        """Read an unsigned LEB128."""
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            if shift > 63:
                raise MalformedDwarf("a number is too long")

    def signed(self) -> int:
        """Read a signed LEB128."""
        start = self.at
        value = self.leb()
        return value - (1 << 7 * (self.at - start)) if self.data[self.at - 1] & 0x40 else value

    def text(self) -> str:
        """Read a text up to its zero."""
        text = text_at(self.data, self.at)
        end = self.data.find(0, self.at)
        if end < 0:
            raise MalformedDwarf("the section ends in a text")
        self.at = end + 1
        return text

    def spend(self) -> None:
        """Count a step."""
        self.steps -= 1
        if self.steps < 0:
            raise MalformedDwarf(f"more than {MAX_STEPS:,} steps")


def text_at(data: bytes, offset: int) -> str:
    """Return the text at an offset of a section of texts, cut where it is too long."""
    end = data.find(0, offset, offset + _MAX_TEXT)
    return data[offset : end if end >= 0 else offset + _MAX_TEXT].decode(errors="replace")
