"""Looking up what an agent read from the state tree."""

from __future__ import annotations

from collections.abc import Sequence

from ic_harness.protocol import Certificate


def lookup(path: Sequence[bytes], cert: Certificate) -> bytes | None:
    """The value at a path, None when it is proven absent. Raises `CertificateError` when nothing is proven."""
    return cert.lookup_value(path)
