"""The reference backend that comes with the package."""

from __future__ import annotations

import gzip

from ic_capsule.backend import Backend, reference_did, reference_wasm
from ic_harness import candid


def test_wasm():
    """The reference is gzip-compressed Wasm."""
    assert gzip.decompress(reference_wasm()).startswith(b"\0asm")


def test_every_method_has_a_typed_one():
    """The typed client has every method of the reference's interface."""
    methods = candid.parse(reference_did()).methods
    assert "uploads_begin" in methods
    assert [name for name in methods if not hasattr(Backend, name)] == []
