"""Records the calls of uploads with their times, as spans of a timeline."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, TypeVar

from ic_capsule.uploads import BackendCalls, ForwardingClient
from ic_harness.errors import CallError
from ic_harness.testing.results import Span

P = ParamSpec("P")
T = TypeVar("T")
_BY_SESSION: Final = frozenset({"uploads_put_chunk", "uploads_finish", "uploads_status", "uploads_abort"})
_READS: Final = frozenset(
    {"blob_get_meta", "blob_read", "blob_read_chunk", "memories_read", "memories_read_asset"}
)
_CARRIERS: Final = frozenset({"uploads_put_chunk", "blob_read", "blob_read_chunk"})
"""Methods that carry the bytes of photos, one way or the other."""
_LABELS: Final = {
    "uploads_begin": "begin",
    "uploads_status": "status",
    "uploads_put_chunk": "chunk",
    "uploads_finish": "finish",
    "uploads_abort": "abort",
    "blob_get_meta": "meta",
    "blob_read_chunk": "read",
    "memories_read": "memory",
}

PREPARING: Final = "Prepare"
REMEMBERING: Final = "Memory"
READING: Final = "Read back"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedCall:
    """One call: nanoseconds since the recording began, the session it belongs to, and its bytes.

    `digest` is the SHA-256 argument of a finish, which identifies the upload of its session.
    """

    method: str
    start_ns: int
    end_ns: int
    session: int | None
    digest: bytes | None
    amount: int
    failed: bool


class Recording:
    """The calls of wrapped clients, in the order of their ends. Threads may share it."""

    def __init__(self) -> None:
        self.calls: list[TimedCall] = []
        self.marks: dict[str, int] = {}
        self._origin = time.perf_counter_ns()

    def now(self) -> int:
        """Nanoseconds since the recording began."""
        return time.perf_counter_ns() - self._origin

    def mark(self, name: str) -> None:
        """Record the time of the first event of that name."""
        self.marks.setdefault(name, self.now())

    def wrap(self, client: BackendCalls) -> BackendCalls:
        """Return a client that records the calls of uploads on `client`."""
        return _RecordedClient(client, self)

    def add(self, method: str, args: tuple[Any, ...], start_ns: int, result: Any, *, failed: bool) -> None:
        """Record a call that ended now."""
        self.calls.append(
            TimedCall(
                method=method,
                start_ns=start_ns,
                end_ns=self.now(),
                session=_session(method, args, result),
                digest=args[1] if method == "uploads_finish" and len(args) > 1 else None,
                amount=_amount(args, result) if method in _CARRIERS else 0,
                failed=failed,
            )
        )


def _amount(args: tuple[Any, ...], result: Any) -> int:
    return sum(len(value) for value in (*args, result) if isinstance(value, bytes | memoryview))


def _session(method: str, args: tuple[Any, ...], result: Any) -> int | None:
    if method == "uploads_begin":
        return result if isinstance(result, int) else None
    return int(args[0]) if method in _BY_SESSION else None


class _RecordedClient(ForwardingClient):
    """A client whose calls are recorded."""

    def __init__(self, client: BackendCalls, recording: Recording) -> None:
        super().__init__(client)
        self._recording = recording

    def _call(self, name: str, method: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> T:
        start = self._recording.now()
        try:
            result = method(*args, **named)
        except CallError:
            self._recording.add(name, args, start, None, failed=True)
            raise
        self._recording.add(name, args, start, result, failed=False)
        return result


def spans(recording: Recording, rows: Mapping[int, str]) -> Iterator[Span]:
    """The calls as spans, in the order in which they began; `rows` names the row of each session."""
    for call in sorted(recording.calls, key=lambda call: call.start_ns):
        yield Span(
            row=_row(call, rows),
            label=_LABELS.get(call.method, call.method),
            start_ns=call.start_ns,
            end_ns=call.end_ns,
            amount=call.amount,
            failed=call.failed,
        )


def _row(call: TimedCall, rows: Mapping[int, str]) -> str:
    if call.session is not None:
        return rows.get(call.session, f"Session {call.session}")
    if call.method in _READS:
        return READING
    return REMEMBERING if call.method.startswith("memories_") else PREPARING
