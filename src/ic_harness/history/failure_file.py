"""Failure files: everything that is needed to show the failure of a test again, in one file.

Layout: a line with the version, the SHA-256 (32 bytes) of what follows, and zlib-compressed CBOR. That is a map with
the failed test, where the network began, its inputs (see `replica/recording/events`), and `blobs`: contents such as
Wasm modules by their SHA-256, each once. Byte strings that hold one are lists of pieces. There is no code in a file,
and no private key: callers are principals. Arguments and answers of calls are in it as they were.

A file may come from anywhere, so sizes are bounded, and every value is checked against its type before it is used.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from ic_harness import __version__
from ic_harness.errors import CborError, InputError, ReplicaError, StateError
from ic_harness.files import write_atomically
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.protocol import cbor
from ic_harness.replica import CostSchedule, check_key_names, check_slices
from ic_harness.replica.recording import (
    KINDS,
    Event,
    NetworkSetup,
    PutBack,
    Query,
    Refusal,
    Round,
    StableReplaced,
    SubnetAdded,
    check_time,
    from_plain,
    to_plain,
)
from ic_harness.text import brief, readable

from .blob_pieces import joined, split

FAILURE_SUFFIX: Final = ".ic-failure"
_HEAD: Final = b"ic-harness failure file "
_VERSION: Final = b"1\n"
_DIGEST: Final = 32
_MAX_FILE: Final = 512 << 20
_MAX_CONTENT: Final = 2 << 30
_MAX_ITEMS: Final = 10_000_000
_MAX_NODES: Final = 1_000
_MAX_SUBNETS: Final = 64
_MAX_PRINCIPAL: Final = 29


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedTest:
    """The test that failed: its id, the name and text of the error, and the line where it was raised."""

    name: str
    error: str
    message: str
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failure: the test, the version of this library, names of canisters, and the network's inputs up to it."""

    test: FailedTest
    setup: NetworkSetup
    events: tuple[Event, ...]
    library: str = __version__
    names: tuple[tuple[bytes, str], ...] = ()


class FailureRecording:
    """The recording in a failure, for `History`."""

    overflow = ""

    def __init__(self, failure: Failure) -> None:
        self.setup = failure.setup
        self.events = failure.events


def failure_of(
    test: FailedTest,
    setup: NetworkSetup,
    events: Iterable[Event],
    names: Iterable[tuple[Principal, str]] = (),
) -> Failure:
    """Make a failure of the recording of a network."""
    named = tuple((principal.raw, name) for principal, name in names)
    return Failure(test=test, setup=setup, events=tuple(events), names=named)


def write_failure(path: Path, failure: Failure) -> int:
    """Write a failure file, whole or not at all; returns its size in bytes. Raises `InputError`."""
    blobs: dict[bytes, bytes] = {}
    content = cbor.encode({"failure": split(to_plain(failure), blobs), "blobs": list(blobs.values())})
    packed = zlib.compress(content)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    return write_atomically(path, [_HEAD, _VERSION, hashlib.sha256(packed).digest(), packed])


def read_failure(path: Path) -> Failure:
    """Read a failure file. Raises `InputError`, which names the file, when it is none, or damaged."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE + 1)
    except OSError as error:
        raise InputError(f"cannot read {readable(path)}: {error.strerror}") from error
    try:
        return _parse(data)
    except (InputError, StateError, CborError, ReplicaError, zlib.error) as error:
        raise InputError(f"{readable(path)}: {error}") from error


def _parse(data: bytes) -> Failure:
    if len(data) > _MAX_FILE:
        raise InputError(f"a failure file has at most {_MAX_FILE:,} bytes")
    if not data.startswith(_HEAD):
        raise InputError("this is no failure file of ic-harness")
    start = len(_HEAD) + len(_VERSION)
    if data[len(_HEAD) : start] != _VERSION:
        raise InputError(f"version {brief(data[len(_HEAD) : start])} of failure files is not known here")
    packed = data[start + _DIGEST :]
    if hashlib.sha256(packed).digest() != data[start : start + _DIGEST]:
        raise InputError("the file is damaged: its checksum does not fit")
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(packed, _MAX_CONTENT)
    if not unpacker.eof:
        raise InputError(f"the content ends early, or has more than {_MAX_CONTENT:,} bytes")
    return _failure(cbor.decode(content, max_items=_MAX_ITEMS))


def _failure(value: Any) -> Failure:
    if not isinstance(value, dict) or not isinstance(value.get("blobs"), list):
        raise InputError("the content is no failure")
    blobs = {hashlib.sha256(blob).digest(): blob for blob in value["blobs"] if isinstance(blob, bytes)}
    failure: Failure = from_plain(joined(value.get("failure"), blobs, _MAX_CONTENT), Failure)
    _check_setup(failure.setup)
    for number, event in enumerate(failure.events):
        problem = _problem(event)
        if problem:
            raise InputError(f"event {number}: {problem}")
    return failure


def _check_setup(setup: NetworkSetup) -> None:
    check_time(setup.start_ns)
    if setup.cost_schedule not in list(CostSchedule):
        raise InputError(f"there is no cost schedule {brief(setup.cost_schedule)}")
    if not 1 <= setup.nodes <= _MAX_NODES or len(setup.subnets or ()) > _MAX_SUBNETS:
        raise InputError(f"a network has 1 to {_MAX_NODES} nodes and at most {_MAX_SUBNETS} subnets")
    check_key_names(setup.threshold_keys)
    check_slices(setup.slice_instructions, setup.round_instructions)
    for admin in setup.admins:
        _check_principal(admin)


def _check_principal(raw: bytes) -> None:
    if len(raw) > _MAX_PRINCIPAL:
        raise InputError(f"a principal has at most {_MAX_PRINCIPAL} bytes, not {len(raw)}")


def _problem(event: Event) -> str:
    """Return what is wrong with an event; empty when nothing is."""
    match event:
        case Round():
            check_time(event.now_ns)
            if event.kind not in KINDS:
                return f"there is no kind of round {brief(event.kind)}"
            requests = [call.request for call in event.calls]
        case Query() | Refusal():
            check_time(event.now_ns)
            requests = [event.request]
        case StableReplaced():
            _check_principal(event.canister)
            return ""
        case PutBack() | SubnetAdded():
            check_time(
                event.clock_ns if isinstance(event, PutBack) else 0
            )  # a subnet is checked when it is added
            return ""
    for request in requests:
        _check_principal(request.caller)
        _check_principal(request.callee)
        if request.cycles:
            return "a call from outside carries no cycles"
    if event.limit is not None and event.limit < 1:
        return f"{event.limit} is no limit of instructions"
    return ""
