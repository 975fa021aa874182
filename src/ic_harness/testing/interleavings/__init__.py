"""Interleavings: several callers in every order of their messages, and an invariant at the end of each."""

from __future__ import annotations

from .explorer import ExploreOptions, ExploreResult, InterleavingError, explore, find_order

__all__ = ["ExploreOptions", "ExploreResult", "InterleavingError", "explore", "find_order"]
