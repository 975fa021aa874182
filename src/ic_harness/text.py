r"""Text from outside, made harmless to look at; and values, made short enough to be quoted in an error.

Canisters, networks and files choose many of the texts that this package shows. A terminal obeys control
sequences, a reader is deceived by signs that turn the direction of writing, XML forbids most controls, and a
single line of some megabytes hides everything around it. `clean` is applied where a text leaves the package
(terminal, test report, page); each output format then escapes for its own syntax. `brief` is applied where a
value from outside becomes part of an error's message: Python refuses to write integers of more than 4,300
digits (`ValueError`), and a deeply nested value raises `RecursionError`.
"""

from __future__ import annotations

import os
import re
from reprlib import Repr
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

MAX_LINE: Final = 4_000
"""Characters of one line that `clean` keeps; a canister can print 4 MB without a line feed."""

MAX_TEXT: Final = 16 << 20
"""Bytes of a text file (an interface, a configuration) that are read; real ones have some kilobytes."""

# Patterns are compiled when they are used first (`re` keeps them): every import of the package would pay for it.
# C0 and C1 controls, lone surrogates and noncharacters; TAB and LF stay (CR LF has become LF).
_CONTROL: Final = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]"
# Characters that reorder or hide those beside them: the text shown would differ from the text written.
_DECEIVING: Final = "[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
_COMMAND: Final = r"^(?=[^\S\n]*::)"
_MAX_BITS: Final = 512
"""Integers up to this width are written out; the widest number of the protocols has 128 bits."""


def clean(text: str, *, max_line: int = MAX_LINE) -> str:
    r"""Make outside text safe to show: controls as `␛`, deceiving signs as `⟨U+202E⟩`; `\t`, `\n` stay.

    Lines of more than `max_line` characters are cut; the cut says how many characters are left out.
    """
    if text.isascii() and text.isprintable() and len(text) <= max_line:
        return text  # the usual case: nothing to replace
    lines = text.replace("\r\n", "\n")
    if len(lines) > max_line:
        lines = "\n".join(_cut(line, max_line) for line in lines.split("\n"))
    return re.sub(_DECEIVING, lambda found: f"⟨U+{ord(found[0]):04X}⟩", re.sub(_CONTROL, _visible, lines))


def for_log(text: str) -> str:
    """`clean` text for standard output, where a CI service reads along.

    GitHub Actions takes lines that begin with `::` (after spaces) and everything from `##[` as its own commands.
    """
    return re.sub(_COMMAND, "| ", clean(text), flags=re.MULTILINE).replace("##[", "##⟨[⟩")


def _cut(line: str, most: int) -> str:
    return line if len(line) <= most else f"{line[:most]}… ({len(line) - most:,} more characters)"


def _visible(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else "\ufffd"


def one_line(text: str, limit: int | None = None) -> str:
    """`clean` text on one line, cut with an ellipsis where it is longer than `limit` characters."""
    line = " ".join(clean(text).split())
    return line if limit is None or len(line) <= limit else f"{line[: limit - 1]}…"


class _Brief(Repr):
    """`repr` that neither follows deep nesting nor writes out long values."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxstring = self.maxother = self.maxlong = 60

    def repr_int(self, value: int, _level: int) -> str:
        """Write an integer in digits, or describe its width."""
        return brief_int(value)

    def repr_bytes(self, value: bytes, _level: int) -> str:
        """Write the first bytes."""
        return repr(value) if len(value) <= self.maxother else f"{value[: self.maxother]!r}…"


_BRIEF: Final = _Brief()


def brief(value: Any) -> str:
    """`repr` of any value in a few dozen characters; never raises, whatever the value is."""
    return _BRIEF.repr(value)


def brief_int(value: int) -> str:
    """An integer in decimal, or its width where that would be long: Python stops at 4,300 digits."""
    width = value.bit_length()
    return (
        str(value) if width <= _MAX_BITS else f"{'a negative' if value < 0 else 'an'} integer of {width} bits"
    )


def parse_json(text: str | bytes) -> Any:
    """Parse JSON from outside. Raises `ValueError` and nothing else.

    The parser of Python raises `RecursionError` for a few kilobytes of `[`.
    """
    import json  # lazy: start-up time  # noqa: PLC0415

    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def readable(path: str | os.PathLike[str]) -> str:
    """A path as text that can be sent and written: bytes of a file name that are not UTF-8 become U+FFFD.

    Python holds such bytes as lone surrogates, which neither Candid, JSON, nor a terminal takes.
    """
    return os.fsencode(path).decode("utf-8", "replace")


def place_in(text: str, offset: int) -> str:
    """Return the place of the character `offset` as `line:column`, both counted from 1."""
    start = text.rfind("\n", 0, offset) + 1
    return f"{text.count(chr(10), 0, offset) + 1}:{offset - start + 1}"


def read_text(path: Path, limit: int = MAX_TEXT) -> str:
    """Read a UTF-8 file of at most `limit` bytes. Raises `OSError`, or `ValueError` for everything else."""
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"the file has more than {limit} bytes")
    return data.decode()
