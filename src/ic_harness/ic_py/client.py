"""Where the network is."""

from __future__ import annotations

from typing import Final

from ic_harness.urls import public_url

MAINNET: Final = "https://ic0.app"


class Client:
    """The URL of a network; the agent keeps the connections."""

    def __init__(self, url: str = MAINNET) -> None:
        self.url = url

    def __repr__(self) -> str:
        return f"Client({public_url(self.url)!r})"
