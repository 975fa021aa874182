"""Loads entry points: what other packages plug into ic-harness, each checked for its type (`docs/extending.md`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ic_harness.errors import InputError
from ic_harness.text import one_line

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


def load_entry_point(point: EntryPoint, what: str, expected: type[T]) -> T:
    """Import and return the object that `point` names; `what` is the word for it in errors.

    Raises `InputError` with the entry point's name and value when the import fails, or when the object is not an
    instance of `expected`.
    """
    where = f"the {what} {one_line(point.name)!r} ({one_line(point.value)})"
    try:
        found = point.load()
    except Exception as error:
        raise InputError(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(found, expected):
        wanted = f"{expected.__module__}.{expected.__qualname__}"
        raise InputError(f"{where} must be an instance of {wanted}, not of {type(found).__name__}")
    return found
