"""Forks: the state of a canister of any network, downloaded and run in the embedded replica under its own id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ic_harness.lazy_names import lazy_names

if TYPE_CHECKING:
    from .download import fork_canister
    from .folder import is_encrypted
    from .loading import load_fork, read_fork

__all__ = ["fork_canister", "is_encrypted", "load_fork", "read_fork"]

_LAZY: Final = {
    "fork_canister": ".download",
    "is_encrypted": ".folder",
    "load_fork": ".loading",
    "read_fork": ".loading",
}

__getattr__ = lazy_names(__name__, _LAZY)
