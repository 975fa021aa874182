"""Web pages of canisters: the HTTP gateway, and the check of what canisters certify about their answers."""

from .gateway import Gateway
from .page import Page, PageRequest
from .verification import Verdict, verify

__all__ = ["Gateway", "Page", "PageRequest", "Verdict", "verify"]
