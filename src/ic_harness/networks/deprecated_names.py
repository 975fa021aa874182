"""Former names of methods of `Network`; kept for one release, each with a `DeprecationWarning`."""

from __future__ import annotations

import warnings
from typing import Any


class DeprecatedNames:
    """Forwards the former names to the methods that replace them."""

    def ask(self) -> Any:
        """Former name of `Network.status`."""
        return _forward(self, "ask", "status")()

    def figures(self, since: int = 0) -> Any:
        """Former name of `Network.metrics`."""
        return _forward(self, "figures", "metrics")(since)

    def lines(self, since: int = 0) -> Any:
        """Former name of `Network.log_stream`."""
        return _forward(self, "lines", "log_stream")(since)

    def order_fault(self, kind: str, **options: Any) -> None:
        """Former name of `Network.inject_fault`."""
        _forward(self, "order_fault", "inject_fault")(kind, **options)


def _forward(network: object, former: str, name: str) -> Any:
    message = f"`Network.{former}` is now called `Network.{name}`; the former name goes with the next release"
    warnings.warn(message, DeprecationWarning, stacklevel=3)
    return getattr(network, name)
