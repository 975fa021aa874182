"""The installed tools of the interop tests (`tests/interop/toolbox.py`): one cache for tests and judges."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from judge import UnavailableError

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))  # the tests are no installed package

from tests.interop import toolbox  # noqa: E402 - only found by the line above
from tests.interop.httpbin import httpbin  # noqa: E402 - likewise

__all__ = ["ROOT", "httpbin", "installed", "toolbox"]


@contextmanager
def installed() -> Iterator[None]:
    """Turn a tool that is missing into UnavailableError."""
    try:
        yield
    except toolbox.ToolMissingError as missing:
        raise UnavailableError(str(missing)) from None
