"""The shortest order that still fails: names of messages are left out one after the other, in ever smaller pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

_MOST_ATTEMPTS: Final = 500


def shortest(order: Sequence[str], fails: Callable[[Sequence[str]], bool]) -> list[str]:
    """Return a part of `order` that fails and from which no single entry can be left out.

    What is not named runs in its usual place. After 500 attempts the shortest one so far is returned.
    """
    kept = list(order)
    piece = max(1, len(kept) // 2)
    attempts = 0
    while kept and attempts < _MOST_ATTEMPTS:
        smaller = False
        start = 0
        while start < len(kept) and attempts < _MOST_ATTEMPTS:
            attempts += 1
            without = kept[:start] + kept[start + piece :]
            if fails(without):
                kept, smaller = without, True
            else:
                start += piece
        if piece == 1 and not smaller:
            break
        piece = max(1, piece // 2)
    return kept
