"""What is known of the Internet Computer itself: its root key and the hosts that serve it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

MAINNET_URL: Final = "https://icp-api.io"
"""Boundary nodes that serve the API of the Internet Computer."""

MAINNET_ROOT_KEY: Final = bytes.fromhex(
    "308182301d060d2b0601040182dc7c0503010201060c2b0601040182dc7c05030201036100"
    "814c0e6ec71fab583b08bd81373c255c3c371b2e84863c98a4f1e08b74235d14fb5d9c0cd546d968"
    "5f913a0c0b2cc5341583bf4b4392e467db96d65b9bb4cb717112f8472e0d5a4d14505ffd7484b012"
    "91091c5f87b98883463f98091a0baaae"
)
"""The DER root key of the Internet Computer; it never changes, and is never asked for over the network."""

_DOMAINS: Final = ("icp0.io", "icp-api.io", "ic0.app", "internetcomputer.org")


def is_mainnet(url: str) -> bool:
    """Tell whether `url` leads to the Internet Computer and not to a local network."""
    host = (urlsplit(url).hostname or "").lower()
    return any(host == domain or host.endswith(f".{domain}") for domain in _DOMAINS)
