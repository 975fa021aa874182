"""What conversations with a backend are made of: questions, asked by a blocking or an awaiting client.

A flow is a generator that yields `Ask` and is sent the reply's bytes, or has the call's error thrown into it.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

T = TypeVar("T")
Kind = Literal["update", "query", "metadata"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: a call of method `name` with `argument`, or the metadata section `name` (reply may be None)."""

    kind: Kind
    name: str
    argument: bytes = b""


Flow: TypeAlias = Generator[Ask, Any, T]
"""A conversation with the result `T`."""
