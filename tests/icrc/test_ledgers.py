"""The suite accepts ledgers that keep the standards, and finds exactly what faulty ones break."""

from __future__ import annotations

import json
from datetime import date

import pytest

from ic_harness.icrc.guarantees import LEDGER_GUARANTEES
from ic_harness.networks import embedded
from ic_harness.testing.gate import GateRequest, run_gate
from ic_harness.testing.report import to_json, to_sarif
from ic_harness.testing.results import Outcome, Verdict

from .ledgers import FAULTY, broken, build, few_tries, ledger_patch, real_ledger


@pytest.fixture
def report():
    """Judge a build by the whole gate."""

    def judging(subject):
        request = GateRequest(subject=subject, today=date(2026, 1, 1), started="2026-01-01T00:00:00+00:00")
        with embedded() as network:
            return run_gate(request, network)

    return judging


@pytest.mark.slow
def test_the_healthy_ledger_passes(report):
    """Our ledger keeps every guarantee: the gate, which finds the suite by itself, lets it pass."""
    found = report(build())
    assert (found.verdict, found.refusals) == (Verdict.PASS, ())
    assert {result.guarantee.id for result in found.checks} == set(LEDGER_GUARANTEES)
    assert {result.outcome for result in found.checks} == {Outcome.PASSED}
    assert {cost.method for cost in found.costs} >= {"icrc1_transfer", "icrc2_transfer_from"}
    assert found.catalogue == tuple(LEDGER_GUARANTEES.values())


@pytest.mark.slow
def test_the_real_ledger_passes(report):
    """A ledger that others wrote keeps every guarantee, upgrade rehearsal included.

    The gate's only objection is true: two methods of the module are in no interface, its own neither.
    """
    found = report(real_ledger())
    assert [result.check for result in found.checks if result.outcome is not Outcome.PASSED] == []
    assert {stage.name for stage in found.stages if stage.outcome is Outcome.FAILED} == {"Interface"}
    (refusal,) = found.refusals
    assert "query http_request, query archives" in refusal
    assert {stage.name for stage in found.stages if stage.outcome is Outcome.PASSED} >= {
        "Upgrade",
        "Back-out",
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_breaks_its_guarantees_only(report, name):
    """The gate refuses the ledger for exactly the guarantees that its patch says, in every report."""
    found = report(build(name))
    breaks = set(ledger_patch(name).breaks)
    assert found.verdict is Verdict.REFUSED
    assert {result.guarantee.id for result in found.checks if result.outcome is Outcome.FAILED} == breaks
    results = json.loads(to_sarif(found))["runs"][0]["results"]
    assert {result["ruleId"] for result in results} >= breaks
    assert [row["id"] for row in json.loads(to_json(found))["catalogue"]] == list(LEDGER_GUARANTEES)


def test_a_difference_is_shown_by_few_operations():
    """The random check names the seed and a list of operations short enough to replay by hand."""
    result = broken(build("burns-keep-the-supply"), ["TX2"])["TX2"]
    (violation,) = result.violations
    assert "(seed 20000)" in violation.what
    assert violation.trace.count("\n") < 3
    assert "to minting" in violation.trace.splitlines()[-1]
    assert result.story[-1].method == "icrc1_transfer"
    assert len(result.story) < 12


def test_without_tries_the_operations_are_shown_whole(monkeypatch):
    """Where nothing may be spent on shortening, the operations up to the difference are listed."""
    with few_tries(monkeypatch):
        result = broken(build("burns-keep-the-supply"), ["TX2"])["TX2"]
    assert len(result.violations[0].trace.splitlines()) > 5
