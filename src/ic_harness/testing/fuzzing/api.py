"""`fuzz`: the search as a call in a test."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from ic_harness.errors import InputError
from ic_harness.networks import Canister
from ic_harness.testing.searches import FUZZ, note_search
from ic_harness.text import one_line

from .execution import Options, OwnInvariant
from .invariants import chosen_invariants
from .report import FuzzReport
from .search import Bounds, run_search
from .subject import Subject


class FuzzError(AssertionError):
    """An invariant was broken; `report` has the sequences."""

    def __init__(self, report: FuzzReport) -> None:
        super().__init__(str(report))
        self.report = report


def fuzz(
    canister: Canister,
    *,
    invariants: Iterable[str] | None = None,
    without: Iterable[str] = (),
    own: Sequence[OwnInvariant] = (),
    allow_trap: Iterable[str] = (),
    volatile: Collection[str] = (),
    shared: Collection[str] = (),
    methods: Sequence[str] | None = None,
    upgrade_to: bytes | None = None,
    seed: int = 0,
    max_examples: int = 100,
    max_steps: int = 16,
    seconds: float | None = None,
    instructions: int = 1_000_000_000,
    raises: bool = True,
) -> FuzzReport:
    """Call a canister with random well-typed arguments, and check invariants after each call.

    Every sequence starts from the state that the canister has now, and the network is put back at the end. `invariants`
    are names of `INVARIANTS` (None: all), `without` are left out; `own` are functions of the canister that assert.
    Traps whose message matches a pattern of `allow_trap` are expected. Queries in `volatile` are not compared, methods
    in `shared` may change what other callers own. `methods` are the ones to call (None: all). Upgrades install
    `upgrade_to`, or what is installed. The same `seed` draws the same sequences. `instructions` is the limit of a call.

    Raises `FuzzError` when an invariant is broken, unless `raises` is False; `InputError` for unknown names and bad
    patterns; `MissingCapabilityError` on networks without snapshots or callers without keys.
    """
    if max_examples < 1 or max_steps < 1 or instructions < 1:
        raise InputError("max_examples, max_steps and instructions are at least 1")
    options = Options(
        invariants=chosen_invariants(invariants, without),
        own=tuple(own),
        allow_trap=[_pattern(text) for text in allow_trap],
        volatile=frozenset(volatile),
        shared=frozenset(shared),
    )
    bounds = Bounds(
        max_examples=max_examples, max_steps=max_steps, seconds=seconds, instructions=instructions
    )
    report = run_search(Subject(canister, methods=methods, upgrade_to=upgrade_to), options, bounds, seed)
    notes = [f"not checked: {name}: {reason}" for name, reason in report.skipped.items()]
    note_search(FUZZ, report.summary(), report.as_findings(), notes)
    if report.failures and raises:
        raise FuzzError(report)
    return report


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise InputError(f"{one_line(text)!r} is no pattern: {error}") from error
