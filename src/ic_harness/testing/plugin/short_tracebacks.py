"""Failures of tests without the frames of this package: the test's own line, and the message.

Errors that the package raises on purpose, and `AssertionError`s that it raises for a test, need no more. Every other
exception is left as it is, because its frames are needed to find it; so is everything with `--full-trace`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ic_harness.errors import HarnessError, RejectError
from ic_harness.tracebacks import entries, is_ours, own_traceback


def shorten(excinfo: pytest.ExceptionInfo[BaseException], config: pytest.Config) -> None:
    """Remove the package's frames from an exception and from those that it was raised from, before pytest shows it."""
    if config.getoption("fulltrace", default=False):
        return
    for error in _chain(excinfo.value):
        if not _is_meant(error):
            continue
        own = own_traceback(error.__traceback__)
        if error is not excinfo.value:
            error.__traceback__ = own
        elif own is not None:  # an error without a line of the user is shown whole
            error.__traceback__ = own
            excinfo.traceback = type(excinfo.traceback)(own)


def source_lines(excinfo: pytest.ExceptionInfo[BaseException]) -> list[str]:
    """Return the source lines of the first trap in an exception or in those that it was raised from."""
    for error in _chain(excinfo.value):
        if isinstance(error, RejectError) and (lines := error.source_lines):
            return list(lines)
    return []


def _is_meant(error: BaseException) -> bool:
    """Whether the text of an error says everything: it is one of ours, a group of such, or an assertion of our code."""
    if isinstance(error, HarnessError):
        return True
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_meant, error.exceptions))
    trail = list(entries(error.__traceback__))
    return isinstance(error, AssertionError) and bool(trail) and is_ours(trail[-1].tb_frame)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, its causes, what it was raised in, and the members of groups; each once."""
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        pending += [current.__cause__, current.__context__]
        if isinstance(current, BaseExceptionGroup):
            pending += current.exceptions
