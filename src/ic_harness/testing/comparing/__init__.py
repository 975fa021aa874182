"""One suite on two networks: every call goes to both, and what they answer is compared."""

from __future__ import annotations

from .journal import Difference, Journal
from .network import ComparedNetwork

__all__ = ["ComparedNetwork", "Difference", "Journal"]
