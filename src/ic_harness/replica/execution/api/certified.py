"""Certified data, its certificate, and the network's root key. Interface specification, "Certified data"."""

from __future__ import annotations

from ic_harness.replica.execution.frame import Frame, copy_part, value_functions
from ic_harness.replica.execution.traps import contract

MAX_CERTIFIED_DATA = 32

root_key_size, root_key_copy = value_functions("root_key", lambda frame: frame.env.root_key)


def certified_data_set(frame: Frame, source: int, size: int) -> None:
    """Set the bytes (32 at most) that the network certifies for this canister."""
    if size > MAX_CERTIFIED_DATA:
        raise contract(
            "ic0.certified_data_set: certified_data_set failed because the passed data must be no larger "
            "than "
            f"{MAX_CERTIFIED_DATA} bytes. Found {size} bytes",
            "Try certifying just the hash of your data instead of the full data.",
            "certified-data-too-large",
        )
    frame.certified_data = frame.read(source, size)


def data_certificate_present(frame: Frame) -> int:
    """1 in a query call that has the certificate, else 0."""
    return int(frame.env.certificate is not None)


def data_certificate_size(frame: Frame) -> int:
    """The certificate's length; traps when there is none."""
    return len(_certificate(frame))


def data_certificate_copy(frame: Frame, address: int, offset: int, size: int) -> None:
    """Copy a part of the certificate; traps when there is none."""
    copy_part(frame, "ic0.data_certificate_copy", _certificate(frame), address, offset, size)


def _certificate(frame: Frame) -> bytes:
    if frame.env.certificate is None:
        raise contract(
            "ic0.data_certificate: no data certificate available",
            "Make sure to call `ic0.data_certificate_present` before.",
        )
    return frame.env.certificate
