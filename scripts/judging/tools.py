"""What judges use from elsewhere in the repository.

The installed tools of the interop tests (`tests/interop/toolbox.py`), so that tests and judges have one cache, and the
search for a Rust that can make Wasm (`scripts/build_backend.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from judge import UnavailableError

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT), str(ROOT / "scripts")]  # neither is an installed package

import build_backend  # noqa: E402 - only found by the line above
from tests.interop import toolbox  # noqa: E402 - only found by the line above
from tests.interop.httpbin import httpbin  # noqa: E402 - likewise

__all__ = ["ROOT", "build_backend", "httpbin", "installed", "toolbox"]


@contextmanager
def installed() -> Iterator[None]:
    """Turn a tool that is missing into UnavailableError."""
    try:
        yield
    except toolbox.ToolMissingError as missing:
        raise UnavailableError(str(missing)) from None
