"""What an error says about a name that is not known: names that are like it, else those that there are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ic_harness.text import one_line

_ALIKE: Final = 3
_SHOWN: Final = 24
"""Known names that are listed; an interface can have hundreds."""


def alike(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three `known` names that are like `name`, the most similar first; case does not count."""
    import difflib  # lazy: start-up time  # noqa: PLC0415

    by_folded: dict[str, str] = {}
    for other in known:
        by_folded.setdefault(_folded(other), other)
    return [by_folded[found] for found in difflib.get_close_matches(_folded(name), by_folded, n=_ALIKE)]


def suggest(name: str, known: Iterable[str], *, nothing: str = "there are none") -> str:
    """Return what follows `no … 'name'; `: `did you mean a or b?`, or `there are: a, b`, or `nothing`."""
    names = list(known)
    found = alike(name, names)
    if found:
        return f"did you mean {' or '.join(one_line(it) for it in found)}?"
    if not names:
        return nothing
    shown = [one_line(it) for it in names[:_SHOWN]]
    left_out = len(names) - len(shown)
    return f"there are: {', '.join(shown)}{f', … ({left_out} more)' if left_out else ''}"


def _folded(name: str) -> str:
    return name.casefold().replace("_", "-")
