"""The one door to randomness: everything follows from the seed of the network.

Two networks with the same seed have the same root key and node key and give the same random numbers in the
same order; without a seed one is drawn from the operating system.
"""

from __future__ import annotations

import hashlib

SEED_LENGTH = 32
"""Bytes of a drawn seed."""


def fresh_seed() -> bytes:
    """Draw a seed."""
    from secrets import token_bytes  # lazy: start-up time  # noqa: PLC0415

    return token_bytes(SEED_LENGTH)


def derive(seed: bytes, purpose: bytes) -> bytes:
    """Derive 32 bytes for one purpose; different purposes are independent."""
    return hashlib.sha256(b"ic-harness replica " + purpose + b"\0" + seed).digest()


def random_bytes(seed: bytes, counter: int) -> bytes:
    """The 32 bytes that raw_rand returns the `counter`-th time."""
    return derive(seed, b"random tape " + counter.to_bytes(8, "big"))
