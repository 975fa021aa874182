"""The seam that suites plug into: what the gate asks of a `Suite`, and what it does with the answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from ic_harness import candid
from ic_harness.testing.assertions import UnmetNeedError, equal
from ic_harness.testing.check import Check
from ic_harness.testing.gate import Build, GateRequest, Suite, run_gate
from ic_harness.testing.guarantees import Guarantee, Severity
from ic_harness.testing.results import Outcome, Verdict
from ic_harness.testing.target import Target

from .conftest import TODAY

MOTOKO = Path(__file__).parents[3] / "fixtures" / "canisters" / "motoko" / "counter.wasm.gz"
KEPT = Guarantee("W1", "Counting", "The count is kept", Severity.CRITICAL, frozenset())


class Counting(Suite):
    """A suite for the Motoko counter: it installs it with 9, and remembers what it was asked."""

    name = "counting"
    workload_name = "afternoon"

    def __init__(self, *checks, kind="a counter"):
        self._checks = [Check(KEPT, check) for check in checks]
        self.kind = kind
        self.asked = []

    @property
    def checks(self):
        return self._checks

    @property
    def catalogue(self):
        return {KEPT.id: KEPT}

    def init_argument(self, build, shared):
        self.minter = shared("minter").principal
        return candid.encode((9,), build.init_types)

    @property
    def stages(self):
        return {"Own": lambda run, log: log.note(f"judged {run.suite.name}")}

    def identify(self, _target, log):
        if self.kind is None:
            log.fault("it is something else")
        return self.kind

    def fill(self, target):
        self.asked.append("fill")
        return target.canister().increment()

    def verify(self, target, state, log, when):
        self.asked.append(f"verify {when}")
        with log.proving("W1", when):
            equal(target.canister().get(), state, f"{when}, the count")

    def resume(self, _target, _state, _findings, when):
        self.asked.append(f"resume {when}")

    def extend(self, target, _state, _findings, when):
        self.asked.append(f"extend {when}")
        return target.canister().increment()

    def workload(self, target):
        for _ in range(3):
            target.canister("bob").increment()
        return "nothing else"


def judged(network, suite, **request):
    build = Build(name="new.wasm", wasm=MOTOKO.read_bytes())
    asked = GateRequest(
        subject=build, suite=suite, today=TODAY, started="2026-11-21T10:00:00+00:00", **request
    )
    return run_gate(asked, network)


def test_a_rehearsal_asks_in_this_order(network):
    """State is compared after the upgrade, after the old build came over the new one, and after the snapshot."""
    suite = Counting(lambda _target: None)
    report = judged(network, suite, baseline=Build(name="old.wasm", wasm=MOTOKO.read_bytes()))
    assert report.verdict is Verdict.PASS, report.refusals
    after, over, back = (
        "after the upgrade",
        "after installing the baseline over the new build",
        "after backing out",
    )
    assert suite.asked == [
        "fill",
        f"verify {after}",
        f"resume {after}",
        f"extend {after}",
        f"verify {over}",
        f"verify {back}",
        f"resume {back}",
    ]


def test_the_suite_supplies_arguments_stages_and_costs(network):
    """Arguments that the user did not give are the suite's; its stage runs before Guarantees; its calls have costs."""
    seen = []

    def check(target):
        seen.append((target.canister().get(), target.shared("minter").principal))

    suite = Counting(check)
    report = judged(network, suite)
    assert seen == [(9, suite.minter)]
    names = [stage.name for stage in report.stages]
    assert names[names.index("Guarantees") - 1] == "Own"
    assert [(cost.method, cost.calls) for cost in report.costs] == [("increment", 3)]
    assert "Memory after the afternoon" in {figure.name for figure in report.figures}
    assert "not everything was measured: nothing else" in report.stages[-1].findings
    assert (report.subject.generation, [it.id for it in report.catalogue]) == ("a counter", ["W1"])


def test_what_is_not_of_the_suites_kind_is_not_called(network):
    """After a fault of `identify` every stage that would call the canister is skipped by name."""
    suite = Counting(kind=None)
    report = judged(network, suite)
    assert report.verdict is Verdict.REFUSED
    assert report.refusals == ("Interface: it is something else",)
    assert suite.asked == []
    skipped = [stage.name for stage in report.stages if suite.unfit in stage.findings]
    assert skipped == ["Upgrade", "Guarantees", "Budgets"]


def test_checks_get_callers_upgrades_and_time(network):
    """A target upgrades, moves the clock, and gives the same caller for a name; each check has a state of its own."""

    def first(target):
        before = target.network.time_ns()
        target.advance(60)
        assert target.network.time_ns() - before >= 60 * 10**9
        assert target.canister("alice").principal == target.identity("alice").principal
        target.canister("alice").increment()
        target.upgrade()
        equal(target.anonymous().get(), 10, "the count")

    def second(target):
        equal(target.canister().get(), 9, "the count")

    report = judged(network, Counting(first, second))
    assert [check.outcome for check in report.checks] == [Outcome.PASSED] * 2
    assert [step.caller for step in report.checks[0].story] == ["network", "alice", "network", "anonymous"]


def test_a_network_that_cannot_skips_by_name(network, monkeypatch):
    """What a check needs and the network lacks is named."""
    monkeypatch.setattr(type(network), "capabilities", frozenset())
    target = Target(network, network.deployer.principal, lambda _name: network.deployer)
    with pytest.raises(UnmetNeedError, match="cannot: time"):
        target.advance(1)
    with pytest.raises(UnmetNeedError, match="no Wasm to upgrade to"):
        target.upgrade()
    assert target.printed() == ()
