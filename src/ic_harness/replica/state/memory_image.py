"""The memory of a canister as plain bytes: what a snapshot or a checkpoint keeps of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StateImage:
    """The whole content of a canister: memories in bytes, globals as the bits of their values."""

    heap: bytes
    stable: bytes
    globals: tuple[int, ...]
