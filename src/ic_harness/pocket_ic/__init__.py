"""PocketIC's REST interface, served by the embedded replica: suites of pic-js, pocketic-py and the crate run on it.

    pocket-ic-server --port-file FILE               the program that these clients start
    with PocketIcService(ServerOptions()) as service: service.url       in this process

What differs from PocketIC's own server is listed in docs/from-pic-js.md.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .executable import install
    from .server import PocketIcService, ServerOptions, run

__all__ = ["PocketIcService", "ServerOptions", "install", "run"]


def __getattr__(name: str) -> Any:
    """Load what is asked for: `pocket-ic-server --version` needs none of it."""
    places = {"install": ".executable"}
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(places.get(name, ".server"), __name__), name)
