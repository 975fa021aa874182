"""The reference backend that comes with this package: its Wasm and its interface."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ic_harness.bundled import BundledCanister
from ic_harness.errors import InputError

_PACKAGE: Final = Path(__file__).parent
_CHECKOUT: Final = _PACKAGE.parents[1]


def reference_wasm() -> bytes:
    """The reference backend as gzip-compressed Wasm, ready to install. Raises `InputError` when missing."""
    return _read("backend.wasm.gz", "fixtures/backend.wasm.gz")


def reference_did() -> str:
    """The Candid interface of the reference backend. Raises `InputError` when it is missing."""
    return _read("backend.did", "candid/backend.did").decode()


def _read(installed: str, in_checkout: str) -> bytes:
    # A checkout is asked first: its files are the newer ones when the package is installed from it, editable.
    for path in (_CHECKOUT / in_checkout, _PACKAGE / "_data" / installed):
        if path.is_file():
            return path.read_bytes()
    raise InputError(f"this installation has no {installed}: install ic-harness again")


REFERENCE: Final = BundledCanister(
    name="backend",
    title="reference backend",
    place="reference",
    wasm=reference_wasm,
    did=reference_did,
)
"""The reference backend as commands and the pytest plugin find it."""
