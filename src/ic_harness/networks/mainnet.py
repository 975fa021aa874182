"""The hosts that serve the Internet Computer itself; its root key is built into `protocol`."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

MAINNET_URL: Final = "https://icp-api.io"
"""Boundary nodes that serve the API of the Internet Computer."""

_DOMAINS: Final = ("icp0.io", "icp-api.io", "ic0.app", "internetcomputer.org")


def is_mainnet(url: str) -> bool:
    """Tell whether `url` leads to the Internet Computer and not to a local network."""
    host = (urlsplit(url).hostname or "").lower()
    return any(host == domain or host.endswith(f".{domain}") for domain in _DOMAINS)
