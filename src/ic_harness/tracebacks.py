"""Tracebacks as users of this package read them: their own lines, without the frames of the library.

An error that the library raises on purpose says what is wrong by its text; the frames between the user's line and the
`raise` are noise. `own_entries` drops them: frames of this package, those of the standard library (such as `contextlib`
for a `with` block, or `asyncio`), and those of the program that runs the code (pytest, IPython).
"""

from __future__ import annotations

import linecache
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final

from ic_harness.text import clean, one_line

_OURS: Final = ("ic_harness", "ic_capsule")
_TESTS: Final = ("ic_harness.icrc.tests", "ic_capsule.suite.tests")
"""Packages of ours that are tests: their lines are the user's to read."""
_RUNNERS: Final = (
    "_pytest",
    "pluggy",
    "IPython",
    "ipykernel",
    "hypothesis",
    "click",
    "pytest_asyncio",
    "anyio",
)
_STANDARD: Final = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
_INSTALLED: Final = ("site-packages", "dist-packages")


def is_ours(frame: FrameType) -> bool:
    """Whether a frame runs code of this package that is no test."""
    name = str(frame.f_globals.get("__name__", ""))
    return name.partition(".")[0] in _OURS and not name.startswith(_TESTS)


def _is_between(frame: FrameType) -> bool:
    """Whether a frame is of the standard library, or of a program that runs code."""
    name = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    file = frame.f_code.co_filename
    if name in _RUNNERS or file.startswith("<frozen"):
        return True
    return file.startswith(_STANDARD) and not any(part in file for part in _INSTALLED)


def entries(trace: TracebackType | None) -> Iterator[TracebackType]:
    """Yield the entries of a traceback, outermost first."""
    while trace is not None:
        yield trace
        trace = trace.tb_next


def own_entries(trace: TracebackType | None) -> list[TracebackType]:
    """Return the entries of a traceback that are the user's, outermost first; empty where there is none."""
    return [
        entry for entry in entries(trace) if not is_ours(entry.tb_frame) and not _is_between(entry.tb_frame)
    ]


def own_traceback(trace: TracebackType | None) -> TracebackType | None:
    """Return a copy of a traceback with the user's entries only; None where there is none."""
    kept = own_entries(trace)
    made: TracebackType | None = None
    for entry in reversed(kept):
        made = TracebackType(made, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return made


def story(error: BaseException, further: Sequence[tuple[str, Sequence[str]]] = ()) -> list[str]:
    """Return the lines that explain an error: its message, the user's lines, and `further` chapters with titles."""
    message, *rest = clean(str(error)).splitlines() or [""]
    lines = [f"{type(error).__name__}: {message}", *(f"  {line}" for line in rest)]
    for entry in own_entries(error.__traceback__):
        lines += _place(entry)
    for title, chapter in further:
        if chapter:
            lines += [
                "",
                f"{title}:",
                *(f"  {line}" for text in chapter for line in clean(text).splitlines()),
            ]
    return lines


def _place(entry: TracebackType) -> list[str]:
    code = entry.tb_frame.f_code
    source = linecache.getline(code.co_filename, entry.tb_lineno, entry.tb_frame.f_globals).strip()
    # Cells of notebooks and lines that were typed in have names of files that do not exist.
    where = one_line(code.co_filename) if Path(code.co_filename).is_file() else "your input"
    return ["", f"{where}, line {entry.tb_lineno}:", *([f"  {one_line(source)}"] if source else [])]
