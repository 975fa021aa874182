"""The Internet Computer itself: the hosts that serve it, and the canisters that a project has there.

Its root key is built into `protocol`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ic_harness.principal import Principal
from ic_harness.urls import checked_host

from .canister_ids import dfx_id, find_above, icp_id, remote_id

MAINNET: Final = "ic"
"""The name of the Internet Computer, here as in dfx and icp-cli."""

MAINNET_URL: Final = "https://icp-api.io"
"""Boundary nodes that serve the API of the Internet Computer."""

_DOMAINS: Final = ("icp0.io", "icp-api.io", "ic0.app", "internetcomputer.org")


def is_mainnet(url: str) -> bool:
    """Tell whether `url` leads to the Internet Computer and not to a local network. Raises `InputError` for no URL."""
    host = checked_host(url)
    return any(host == domain or host.endswith(f".{domain}") for domain in _DOMAINS)


def mainnet_canister(folder: Path, name: str) -> Principal | None:
    """Find a canister that the project of `folder` has on the Internet Computer, in the files of dfx or icp-cli.

    Raises `InputError` for a damaged file.
    """
    found = None
    if (project := find_above(folder, "dfx.json")) is not None:
        found = remote_id(project / "dfx.json", name, MAINNET)
    if found is None and (project := find_above(folder, "canister_ids.json")) is not None:
        found = dfx_id(project / "canister_ids.json", name, MAINNET)
    if found is None and (project := find_above(folder, "icp.yaml")) is not None:
        found = icp_id(project / ".icp" / "data" / "mappings" / f"{MAINNET}.ids.json", name)
    return found
