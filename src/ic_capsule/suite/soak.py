"""The soak: very many upload sessions of many callers at once, interleaved at random, each kept apart.

What UC7 proves with four sessions is done here with hundreds: all are open together, their chunks are sent in one
shuffled order by parallel callers, some of them twice, other callers send to foreign sessions in between, and every
blob is read back byte for byte. The order follows from a seed; the network decides the order of concurrent calls.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from ic_harness.networks import Capability
from ic_harness.testing.assertions import accepted, equal, refused, require
from ic_harness.testing.results import Figure, Span, Timeline

from .context import Caller, CheckContext
from .sample_data import Content, content

T = TypeVar("T")
_AT_ONCE: Final = 16
"""Calls that are under way at the same moment."""
_CHUNKS: Final = (2, 5)
_CHUNK_BYTES: Final = 60_000
_TWICE: Final = 0.1
"""The share of chunks that is sent a second time."""
_MEANING: Final = "Uploads that run at the same time spoil each other: photos are lost or mixed up."


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakResult:
    """The result of a successful soak: figures, and the timeline of all chunks."""

    figures: tuple[Figure, ...]
    timeline: Timeline


@dataclass(slots=True)
class _Session:
    """One upload in progress."""

    number: int
    caller: Caller
    sample: Content
    chunks: Sequence[bytes]
    id: int = 0
    blob_id: str = ""


class Soak:
    """One soak of `sessions` uploads by `callers` callers; the same `seed` gives the same order."""

    def __init__(
        self, context: CheckContext, *, sessions: int = 500, callers: int = 20, seed: int = 0
    ) -> None:
        self._open_context = context
        self._chance = random.Random(seed)  # noqa: S311 - an order, no secret
        self._seed = seed
        self._spans: list[Span] = []
        self._origin = time.perf_counter_ns()
        people = [context.caller(f"caller-{number}") for number in range(callers)]
        self._people = people
        self._sessions = [self._planned(number, people[number % callers]) for number in range(sessions)]

    def _planned(self, number: int, caller: Caller) -> _Session:
        sizes = [self._chance.randint(1, _CHUNK_BYTES) for _ in range(self._chance.randint(*_CHUNKS))]
        pieces = [content(size, f"{self._seed} {number} {index}").data for index, size in enumerate(sizes)]
        return _Session(number, caller, Content(b"".join(pieces)), pieces)

    def run(self) -> SoakResult:
        """Run the soak. Raises `BrokenGuaranteeError` at the first upload that differs from what was sent."""
        used = self._instructions()
        for person in self._people:
            accepted(f"a capsule for {person.name}", lambda person=person: person.capsule)  # type: ignore[misc]
        started = time.perf_counter()
        self._all(partial(self._begin, session) for session in self._shuffled(self._sessions))
        require(
            len({session.id for session in self._sessions}) == len(self._sessions),
            "two of the open sessions have the same id",
            _MEANING,
        )
        self._all(self._sendings())
        self._all(partial(self._finish, session) for session in self._shuffled(self._sessions))
        seconds = time.perf_counter() - started
        used = self._instructions() - used
        self._all(partial(self._read_back, session) for session in self._shuffled(self._sessions))
        return SoakResult(figures=self._figures(seconds, used), timeline=self._timeline())

    def _shuffled(self, items: Sequence[T]) -> list[T]:
        return self._chance.sample(items, len(items))

    def _all(self, calls: Iterator[Callable[[], None]]) -> None:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            futures = [pool.submit(call) for call in calls]
            try:
                for future in futures:
                    future.result()
            finally:
                pool.shutdown(cancel_futures=True)

    # --- the calls ------------------------------------------------------------------------------------------

    def _begin(self, session: _Session) -> None:
        def begin() -> int:
            return session.caller.begin(len(session.chunks), f"soak {session.number}")

        session.id = accepted(f"session {session.number} of {len(self._sessions)} at once", begin)

    def _sendings(self) -> Iterator[Callable[[], None]]:
        """Yield all chunks of all sessions in one shuffled order, some twice, with foreign callers in between."""
        sendings = [(session, index) for session in self._sessions for index in range(len(session.chunks))]
        sendings += self._chance.sample(sendings, int(len(sendings) * _TWICE))
        calls = [partial(self._put, session, index) for session, index in sendings]
        intruded = self._chance.sample(self._sessions, len(self._people))
        calls += [partial(self._intrude, session, 0) for session in intruded]
        return iter(self._shuffled(calls))

    def _put(self, session: _Session, index: int) -> None:
        chunk = session.chunks[index]
        start = time.perf_counter_ns()
        accepted(
            f"chunk {index} of session {session.number}",
            lambda: session.caller.backend.uploads_put_chunk(session.id, index, chunk),
            _MEANING,
        )
        self._spans.append(
            Span(
                row=session.caller.name,
                label=f"session {session.number}, chunk {index}",
                start_ns=start - self._origin,
                end_ns=time.perf_counter_ns() - self._origin,
                amount=len(chunk),
            )
        )

    def _intrude(self, session: _Session, index: int) -> None:
        others = [person for person in self._people if person is not session.caller]
        other_caller = others[session.number % len(others)]
        with refused(f"another caller's chunk in session {session.number}", "Unauthorized", "NotFound"):
            other_caller.backend.uploads_put_chunk(session.id, index, b"spoiled")

    def _finish(self, session: _Session) -> None:
        result = accepted(
            f"finish of session {session.number} with the true hash",
            lambda: session.caller.finish(session.id, session.sample),
            _MEANING,
        )
        session.blob_id = result.blob_id

    def _read_back(self, session: _Session) -> None:
        got = accepted(
            f"reading session {session.number} back",
            lambda: session.caller.backend.blob_read(session.blob_id),
            _MEANING,
        )
        equal(got, session.sample.data, f"the blob of session {session.number}", _MEANING)

    # --- the result -----------------------------------------------------------------------------------------

    def _instructions(self) -> int:
        if Capability.METRICS not in self._open_context.network.capabilities:
            return 0
        return self._open_context.network.instructions(self._open_context.canister_id)

    def _figures(self, seconds: float, instructions: int) -> tuple[Figure, ...]:
        size = sum(session.sample.size for session in self._sessions)
        figures = [
            ("Sessions at once", f"{len(self._sessions):,}"),
            ("Callers", f"{len(self._people):,}"),
            ("Chunks sent", f"{len(self._spans):,}"),
            ("Bytes stored", f"{size:,}"),
            ("Seconds", f"{seconds:.1f}"),
            ("Throughput", f"{size / seconds / 1e6:.2f} MB/s"),
            *([("Instructions", f"{instructions:,}")] if instructions else []),
            ("Seed", str(self._seed)),
        ]
        return tuple(Figure(name=f"Soak: {name}", value=value) for name, value in figures)

    def _timeline(self) -> Timeline:
        spans = tuple(sorted(self._spans, key=lambda span: span.start_ns))
        return Timeline(title=f"Soak: {len(self._sessions)} sessions at once", spans=spans)
