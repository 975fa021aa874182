"""The sweep: record a scenario once, then run it again from the same state with one intervention each."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, Final

from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks import Canister, Network, lifecycle
from ic_harness.replica import MessageEnd, TrackedMessage
from ic_harness.suggestions import suggest
from ic_harness.testing.driven.laboratory import Ended, Laboratory, Named, ids_of, judge, open_laboratory
from ic_harness.testing.driven.pasted import pasted_test
from ic_harness.testing.searches import CRASH_SWEEP, note_search

from .interventions import AT_THE_END, Change, Choice, Intervention, Kind, Recorded, plan
from .operations import OperatingHook, Operator
from .result import SweepFinding, SweepResult

_SCENARIO: Final = "scenario"
_MOST_INSTRUCTIONS: Final = 100_000_000
"""What a message may take in a run with an intervention, at least; twenty times the largest recorded one otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions:
    """How a sweep is made.

    `canisters` are the canisters that may be stopped and upgraded, by the names that reports use; None is all that
    take part. `kinds` are the kinds of interventions, such as `trap` or `upgrade`. `limits` divides the instructions of
    each message: 2 runs it with half of them. `lost_replies` is `bounded` (calls with bounded wait) or `all`. `again`
    runs the scenario a second time after each intervention: a lock that is left is found without an invariant for it.
    `only` is the id of the one intervention to run. `part` is such as (1, 4): the first quarter of the runs. `most` is
    the number of runs beyond which a sample is drawn with `seed`.
    """

    canisters: Named | None = None
    kinds: Iterable[str] = tuple(Kind)
    limits: int = 2
    lost_replies: str = "bounded"
    again: bool = True
    only: str | None = None
    part: tuple[int, int] = (1, 1)
    most: int = 10_000
    seed: int = 0
    upgrade_args: Mapping[str, bytes] = field(default_factory=dict)
    """Encoded arguments of `post_upgrade`, by the names of canisters."""

    def choice(self) -> Choice:
        """Return which interventions are wanted. Raises `InputError` for values that are none."""
        known = [kind.value for kind in Kind]
        wanted = (self.kinds,) if isinstance(self.kinds, str) else tuple(self.kinds)
        for kind in wanted:
            if kind not in known:
                raise InputError(f"no kind of intervention {kind!r}; {suggest(str(kind), known)}")
        if self.lost_replies not in {"bounded", "all"}:
            raise InputError(f"lost_replies is 'bounded' or 'all', not {self.lost_replies!r}")
        if self.limits < 1 or not 1 <= self.part[0] <= self.part[1]:
            raise InputError("limits is at least 1, part is such as (1, 4)")
        return Choice(kinds=frozenset(map(Kind, wanted)), limits=self.limits, lost_replies=self.lost_replies)


class _Hook(OperatingHook):
    """Records messages, and intervenes in one of them."""

    def __init__(self, names: Mapping[bytes, str], most_messages: int = 100_000) -> None:
        super().__init__(names)
        self.recorded: list[Recorded] = []
        self.lines: list[str] = []
        self.change: Change | None = None
        self.verb = ""
        self.fired = False
        self._most = most_messages

    def pick(self, ready: Sequence[TrackedMessage]) -> int | None:
        """Run messages in their order, up to the limit."""
        if len(self.recorded) >= self._most:
            self.abandoned = f"it did not end within {self._most:,} messages"
            return None
        return 0 if ready else None

    def intervene(self, message: TrackedMessage) -> Change | None:
        """Intervene in the message that was chosen for it."""
        if self.fired or self.change is None or message.label != self.at:
            return None
        self.fired = True
        return self.change

    def ended(self, message: TrackedMessage, end: MessageEnd, caused: Sequence[str]) -> None:
        """Record a message."""
        del caused
        self.recorded.append(Recorded(message=message, instructions=end.executed))
        self.lines.append(message.label + (f": trapped ({_first_line(end.trap)})" if end.trap else ""))


class Sweep:
    """One sweep in a laboratory."""

    def __init__(
        self,
        laboratory: Laboratory,
        scenario: Callable[[], Any],
        invariant: Callable[..., Any],
        options: SweepOptions,
    ) -> None:
        self._laboratory = laboratory
        self._scenario = scenario
        self._invariant = invariant
        self._options = options
        self._choice = options.choice()
        self._names = {one.raw: str(one) for one in laboratory.network.canisters()}
        self._names |= ids_of(options.canisters or {})
        self._most_rounds = 0
        self._most_messages = 0
        self._again = options.again
        self.result = SweepResult(messages=(), planned=0)

    def run(self) -> SweepResult:
        """Record, plan and run everything. Raises what the scenario or the invariant raises without intervention."""
        hook = self._record()
        interventions = plan(hook.recorded, self._choice, self._operable(hook.recorded))
        self.result.messages = tuple(one.message.label for one in hook.recorded)
        self.result.planned = len(interventions)
        largest = max((one.instructions for one in hook.recorded), default=0)
        limit = min(max(20 * largest, _MOST_INSTRUCTIONS), 40_000_000_000)
        with self._laboratory.replica.limited(instructions=limit):
            for intervention in self._selected(interventions):
                self.result.runs += 1
                finding = self._try(intervention)
                if finding is not None:
                    self.result.findings.append(finding)
        self.result.findings.sort(key=lambda finding: len(finding.messages))
        return self.result

    # --- before ---------------------------------------------------------------------------------------------

    def _record(self) -> _Hook:
        hook = _Hook(self._names)
        ended = self._laboratory.run({_SCENARIO: self._scenario}, hook)
        if ended.errors:
            raise ended.errors[_SCENARIO]
        problem = ended.stuck or judge(self._invariant, ended.values[_SCENARIO])
        if problem:
            raise AssertionError(f"without any intervention: {problem}")
        self._most_rounds = 10 * ended.rounds + 100
        self._most_messages = 10 * len(hook.recorded) + 1_000
        if self._again and (problem := self._run_again()):
            self._again = False
            self.result.notes.append(f"the scenario is not run twice, because it cannot be: {problem}")
        return hook

    def _run_again(self) -> str:
        """Run the scenario once more in the present state; returns what is wrong then."""
        ended = self._laboratory.run({_SCENARIO: self._scenario}, _Hook(self._names, 100_000), 5_000)
        if ended.stuck or ended.errors:
            return ended.stuck or _error(ended)
        return judge(self._invariant, ended.values[_SCENARIO])

    def _operable(self, recorded: Sequence[Recorded]) -> dict[bytes, str]:
        """Return the canisters that can be stopped and upgraded; says in the result why others cannot."""
        if not self._choice.kinds & {Kind.STOP, Kind.UPGRADE}:
            return {}
        wanted = ids_of(self._options.canisters) if self._options.canisters is not None else self._names
        found = {}
        for canister in dict.fromkeys(one.message.canister for one in recorded):
            if canister not in wanted:
                continue
            self._laboratory.restore()
            operator = self._operator(canister)
            refused = "it has no controller" if operator.controller is None else operator.upgrade()
            if refused:
                note = f"{wanted[canister]} is neither stopped nor upgraded: {_first_line(refused)}"
                self.result.notes.append(note)
            else:
                found[canister] = wanted[canister]
        return found

    def _operator(self, canister: bytes) -> Operator:
        name = self._names[canister]
        arg = self._options.upgrade_args.get(name)
        if arg is None:
            client = (self._options.canisters or {}).get(name)
            arg = lifecycle(client).upgrade_argument if isinstance(client, Canister) else b"DIDL\x00\x00"
        return Operator(self._laboratory, canister, arg)

    def _selected(self, interventions: Sequence[Intervention]) -> Sequence[Intervention]:
        options = self._options
        if options.only is not None:
            chosen = [one for one in interventions if one.id == options.only]
            if not chosen:
                # The fault may be gone together with the message that showed it.
                known = [one.id for one in interventions]
                self.result.notes.append(f"no intervention {options.only!r}; {suggest(options.only, known)}")
            return chosen
        if len(interventions) > options.most:
            chance = random.Random(options.seed)  # noqa: S311 - a sample that can be drawn again
            drawn = sorted(chance.sample(range(len(interventions)), options.most))
            interventions = [interventions[index] for index in drawn]
            self.result.notes.append(f"{options.most:,} of {self.result.planned:,} interventions were drawn")
        part, parts = options.part
        return interventions[part - 1 :: parts]

    # --- a run ----------------------------------------------------------------------------------------------

    def _try(self, intervention: Intervention) -> SweepFinding | None:
        """Run the scenario with an intervention; returns what it breaks."""
        self._laboratory.restore()
        hook = _Hook(self._names, self._most_messages)
        hook.at, hook.change = intervention.at, intervention.change
        operator = self._operator(intervention.canister) if intervention.canister else None
        if operator is not None:
            hook.operator, hook.upgrades = operator, intervention.kind is Kind.UPGRADE
        before = operator.changes if operator is not None else 0
        ended = self._laboratory.run({_SCENARIO: self._scenario}, hook, self._most_rounds)
        problem = ended.stuck
        if not problem and operator is not None:
            problem = self._finish(intervention, hook, operator, before)
        if not problem:
            problem = judge(self._invariant, ended.values.get(_SCENARIO))
        if not problem and self._again and (again := self._run_again()):
            problem = f"the scenario cannot be run again: {again}"
        if not problem:
            return None
        return SweepFinding(
            intervention=intervention.id,
            problem=problem,
            callers=_error(ended),
            messages=_marked(hook.lines, intervention),
        )

    def _finish(self, intervention: Intervention, hook: _Hook, operator: Operator, before: int) -> str:
        """Do what of a stop or an upgrade is left to do; returns why that failed."""
        if intervention.at == AT_THE_END or (hook.stopping and hook.upgrades and not hook.upgraded):
            if hook.stopping and not operator.stopped:
                operator.start()
                return "the canister cannot be stopped: a call is open that never ends"
            refused = operator.upgrade()
            if refused:
                return f"the upgrade was refused: {refused}"
        elif hook.upgraded and operator.changes == before:
            return "the upgrade was refused"
        if hook.stopping:
            operator.start()
            self._laboratory.replica.settle(100)
        return ""


def _error(ended: Ended) -> str:
    error = ended.errors.get(_SCENARIO)
    return "" if error is None else f"{type(error).__name__}: {_first_line(str(error))}"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _marked(lines: Sequence[str], intervention: Intervention) -> tuple[str, ...]:
    """Return the messages of a run, with a mark at the one that the intervention is about."""
    mark = f" <- {intervention.kind}"
    at = intervention.at
    return tuple(line + mark if line == at or line.startswith(f"{at}: ") else line for line in lines)


def sweep(
    network: Network,
    scenario: Callable[[], Any],
    invariant: Callable[..., Any],
    **options: Any,
) -> SweepResult:
    """Sweep and return the result; see `crash_sweep`."""
    with open_laboratory(network) as laboratory:
        result = Sweep(laboratory, scenario, invariant, SweepOptions(**options)).run()
    if result.findings:
        result.test = pasted_test("only", result.findings[0].intervention)
    note_search(CRASH_SWEEP, result.summary(), result.as_findings(), result.notes)
    return result


def crash_sweep(
    network: Network,
    scenario: Callable[[], Any],
    invariant: Callable[..., Any],
    **options: Any,
) -> SweepResult:
    """Run `scenario` with one failure after the other, and check `invariant` after each.

    `scenario` makes calls; a `RejectError` that it does not catch ends it, as it would end a user's session.
    `invariant` raises, or returns False, when the state is wrong; it may take what the scenario returned (None when
    that raised). Options are the fields of `SweepOptions`. The network has its present state again afterwards.

    Raises `CrashSweepError`, an `AssertionError`, with the story of all findings; `InputError` for options that cannot
    be and for networks that are not embedded; what the scenario raises without any intervention.
    """
    result = sweep(network, scenario, invariant, **options)
    result.check()
    return result
