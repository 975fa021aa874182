"""Running networks: the embedded one and those behind a URL, and their capabilities.

The classes of the implementations load on first access: the embedded network loads the Wasm engine, which clients
of a URL do not need.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from ic_harness.agent import InstallMode

from .canister import (
    Canister,
    deploy_canister,
    fetch_interface,
    find_method,
    interface_of,
    read_interface,
)
from .capabilities import MEANINGS, Capability, MissingCapabilityError
from .doctor import Finding, examine
from .mainnet import MAINNET, MAINNET_URL, is_mainnet
from .network import Network, Snapshot
from .projects import Deployable, ProjectCanister, build_environment, list_project, read_project
from .registry import NAMES, SPECS, STARTED, connect, dfx, embedded, ic, icp, open_network, pocket_ic
from .wasm_metadata import published_interface

if TYPE_CHECKING:
    from .embedded_network import EmbeddedNetwork
    from .named_network import NamedNetwork
    from .pocket_ic_network import PocketIcNetwork
    from .url_network import UrlNetwork

__all__ = [
    "MAINNET",
    "MAINNET_URL",
    "MEANINGS",
    "NAMES",
    "SPECS",
    "STARTED",
    "Canister",
    "Capability",
    "Deployable",
    "EmbeddedNetwork",
    "Finding",
    "InstallMode",
    "MissingCapabilityError",
    "NamedNetwork",
    "Network",
    "PocketIcNetwork",
    "ProjectCanister",
    "Snapshot",
    "UrlNetwork",
    "build_environment",
    "connect",
    "deploy_canister",
    "dfx",
    "embedded",
    "examine",
    "fetch_interface",
    "find_method",
    "ic",
    "icp",
    "interface_of",
    "is_mainnet",
    "list_project",
    "open_network",
    "pocket_ic",
    "published_interface",
    "read_interface",
    "read_project",
]

_LAZY: Final = {
    "EmbeddedNetwork": ".embedded_network",
    "NamedNetwork": ".named_network",
    "PocketIcNetwork": ".pocket_ic_network",
    "UrlNetwork": ".url_network",
}


def __getattr__(name: str) -> Any:
    """Load the module of an implementation when its class is first asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name], __name__), name)
