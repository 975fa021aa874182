"""`ic-harness gate`: what is judged, what comes out, and the exit status."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from ic_capsule.backend import reference_wasm
from ic_capsule.suite import suite
from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.agent import Management
from ic_harness.cli.gate_text import show
from ic_harness.errors import RejectError
from ic_harness.networks import embedded
from ic_harness.replica import serve
from ic_harness.testing.assertions import UnmetNeedError, broken
from ic_harness.testing.check import Check
from ic_harness.testing.gate import gate
from ic_harness.testing.report import from_json
from ic_harness.testing.results import Outcome, Verdict
from tests.suite.mutants import mutant

from .conftest import refused

ROOT = Path(__file__).parents[2]
BASELINE = ROOT / "fixtures" / "migrations" / "backend-0.1.0.wasm.gz"


def holds(stage):
    assert stage.caller().capsule


def breaks(stage):
    assert stage.caller().capsule
    raise broken("\x1b[2Jthe blob is another than was sent", "Users get damaged photos.")


def lacks(_stage):
    msg = "no clock that moves"
    raise UnmetNeedError(msg)


def crashes(_stage):
    msg = "a bug of the check"
    raise KeyError(msg)


@pytest.fixture
def suite_of(monkeypatch):
    """Put a few checks in the place of the suite, and leave out the stages that take seconds."""

    def put(**checks):
        monkeypatch.setattr(suite, "CHECKS", [Check(GUARANTEES[id_], run) for id_, run in checks.items()])
        quick = {name: scenario for name, scenario in gate.STAGES.items() if name in QUICK}
        monkeypatch.setattr(gate, "STAGES", quick)
        monkeypatch.setattr(suite, "STAGES", {})

    return put


QUICK = ("Wasm", "Interface", "Candid upgrade", "Guarantees")


@pytest.fixture
def wasm(tmp_path):
    """The reference backend as a file of the test's folder."""
    path = tmp_path / "mine.wasm.gz"
    path.write_bytes(reference_wasm())
    return path


@pytest.mark.slow
def test_a_whole_run(run, wasm, tmp_path):
    """Over the build before it the reference passes every stage and every guarantee, and fills the report."""
    did = ROOT / "candid" / "backend.did"
    # Speed is the point of some changes: what may cost more than before is decided elsewhere.
    options = ["--wasm", wasm, "--candid", did, "--baseline", BASELINE, "--budget", 1000, "--report", "found"]
    result = run("gate", *options, "--json")
    assert result.exit_code == 0, result.stderr + result.stdout[-2000:]
    report = from_json(result.stdout)
    assert report.verdict is Verdict.PASS
    outcomes = {stage.name: stage.outcome for stage in report.stages}
    assert outcomes == dict.fromkeys(gate.stages_of(suite.CapsuleSuite()), Outcome.PASSED)
    assert {check.guarantee.id for check in report.checks} == set(GUARANTEES)
    assert {check.outcome for check in report.checks} == {Outcome.PASSED}
    assert report.subject.baseline == BASELINE.name
    _is_filled(report, tmp_path)
    _fits_a_narrow_terminal(report)


def _is_filled(report, folder):
    """Pictures, timelines and costs with budgets are there, the files are written, and no state is left behind."""
    assert len(report.pictures) == 4
    assert [line.title for line in report.timelines] == ["A photo in two lanes", "12 sessions at once"]
    assert all(cost.budget is not None for cost in report.costs)
    names = {path.name for path in (folder / "found").iterdir()}
    assert names == {"index.html", "report.json", "report.sarif", "junit.xml", "summary.md"}
    assert not (folder / ".ic-harness").exists()


def _fits_a_narrow_terminal(report):
    """Nothing is wider than 80 columns, and without colour every outcome has a word; the verdict comes last."""
    text = io.StringIO()
    show(report, [], Console(file=text, width=80, no_color=True, highlight=False))
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1].startswith(" PASS  mine.wasm.gz may be deployed")
    assert len(lines) < 60


def test_a_broken_guarantee_refuses(run, suite_of, wasm):
    """Exit status 1; the text has the violation, its meaning and the calls; the verdict names the guarantee."""
    suite_of(UC4=breaks, UC5=holds)
    result = run("gate", "--wasm", wasm)
    assert result.exit_code == 1
    assert "UC4 critical, FAIL" in result.stdout
    assert "alice: capsules_create(None) -> Capsule" in result.stdout
    assert "Users get damaged photos." in result.stdout
    verdict = result.stdout[result.stdout.index(" REFUSED ") :].splitlines()
    assert verdict[0].startswith(" REFUSED  mine.wasm.gz must not be deployed")
    assert verdict[1].strip().startswith("1. UC4 (critical):")


@pytest.mark.slow
def test_a_faulty_backend_is_refused_everywhere_it_shows(run, tmp_path, monkeypatch):
    """Sessions lost at an upgrade fail the rehearsal and the suite, and the report says so first."""
    chunks = [check for check in suite.CHECKS if check.guarantee.area == "Uploads: chunks"]
    monkeypatch.setattr(suite, "CHECKS", chunks)
    (tmp_path / "mutant.wasm").write_bytes(mutant("sessions-lost-at-upgrade"))
    options = ["--wasm", "mutant.wasm", "--baseline", BASELINE, "--budget", 1000, "--report", "found"]
    result = run("gate", *options, "--json")
    assert result.exit_code == 1, result.output
    report = from_json(result.stdout)
    outcomes = {stage.name: stage.outcome for stage in report.stages}
    failed = [name for name, outcome in outcomes.items() if outcome is Outcome.FAILED]
    assert failed == ["Upgrade", "Guarantees"]
    assert outcomes["Back-out"] is Outcome.PASSED
    assert [check.guarantee.id for check in report.checks if check.outcome is Outcome.FAILED] == ["UC9"]
    assert report.refusals[0].startswith("UC9 (critical): ")
    page = (tmp_path / "found" / "index.html").read_text(encoding="utf-8")
    words = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", page[page.index("<body") :], flags=re.DOTALL)
    assert "UC9" in " ".join(words.split())[:1000]


def test_what_was_not_judged_is_told(run, suite_of, wasm):
    """A pass that left guarantees out says how many, which, and why."""
    suite_of(UC4=holds, UC5=lacks, UC9=lacks)
    result = run("gate", "--wasm", wasm)
    assert result.exit_code == 0
    assert "UC5 UC9: no clock that moves" in result.stdout
    assert "may be deployed; 2 of 3 guarantees were not judged" in result.stdout.splitlines()[-1]


def test_texts_of_a_canister_cannot_steer_the_terminal(run, suite_of, wasm):
    """Control characters are made visible."""
    suite_of(UC4=breaks)
    assert "\x1b" not in run("gate", "--wasm", wasm).stdout


def test_accepted_in_the_file(run, suite_of, wasm, tmp_path):
    """A fault accepted in ic-harness.toml lets the build through, shown as accepted with its reason and date."""
    suite_of(UC4=breaks, UC5=holds)
    entry = (
        '[gate]\nwasm = "mine.wasm.gz"\n[gate.accepted]\nUC4 = { reason = "see #12", expires = 2999-12-31 }\n'
    )
    (tmp_path / "ic-harness.toml").write_text(entry)
    result = run("gate")
    assert result.exit_code == 0, result.output
    assert "UC4 critical, accepted" in result.stdout
    assert "until 2999-12-31: see #12" in result.stdout
    assert "with accepted faults: UC4" in result.stdout.splitlines()[-1]


def test_an_acceptance_that_is_over_refuses(run, suite_of, wasm, tmp_path):
    """After its day an acceptance counts no more, and that is said."""
    suite_of(UC4=breaks)
    (tmp_path / "ic-harness.toml").write_text(
        '[gate.accepted]\nUC4 = { reason = "see #12", expires = 2000-01-01 }\n'
    )
    result = run("gate", "--wasm", wasm)
    assert result.exit_code == 1
    assert "accepted until 2000-01-01 (see #12); that has expired" in " ".join(result.stdout.split())


def test_accepted_on_the_command_line(run, suite_of, wasm):
    """Ids may be joined by commas or given one by one."""
    suite_of(UC4=breaks, UC5=breaks, UC6=breaks)
    assert run("gate", "--wasm", wasm, "--accept", "UC4,UC5", "--accept", "UC6").exit_code == 0
    assert run("gate", "--wasm", wasm, "--accept", "UC4,UC5").exit_code == 1


@pytest.mark.parametrize("check", [lacks, crashes])
def test_what_proves_nothing_is_no_pass(run, suite_of, wasm, check):
    """When nothing could be judged, or a check itself failed, the gate could not run: exit status 2."""
    suite_of(UC4=check)
    result = run("gate", "--wasm", wasm)
    assert result.exit_code == 2
    assert " COULD NOT RUN  nothing is proved about mine.wasm.gz" in result.stdout


def test_a_crash_of_the_gate_is_no_verdict(run, wasm, monkeypatch):
    """A bug of ours ends with 2 and its traceback, because 1 would read as a refusal."""
    monkeypatch.setattr(gate, "_report", lambda *_: 1 / 0)
    monkeypatch.setattr(gate, "STAGES", {})
    result = run("gate", "--wasm", wasm)
    assert result.exit_code == 2
    assert "ZeroDivisionError" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--wasm", "none.wasm"], ["cannot read none.wasm"]),
        (["--wasm", "mine.wasm.gz", "--candid", "none.did"], ["none.did"]),
        (["--wasm", "mine.wasm.gz", "--canister-id", "aaaaa-aa"], ["--wasm", "--canister-id", "--baseline"]),
        (["--wasm", "mine.wasm.gz", "--baseline", "none.wasm"], ["cannot read none.wasm"]),
        (["--wasm", "mine.wasm.gz", "--baseline", "embedded:none"], ["'none'"]),
        (["--wasm", "mine.wasm.gz", "--baseline-candid", "x.did"], ["--baseline"]),
        (["--wasm", "mine.wasm.gz", "--accept", "UC99"], ["UC99"]),
        (["--wasm", "mine.wasm.gz", "--argument", "(7)"], ["--argument (7)"]),
        (["--canister-id", "aaaaa-aa", "--network", "http://127.0.0.1:1"], ["could not run"]),
        (["--canister-id", "rwlgt-iiaaa-aaaaa-aaaaa-cai"], ["there is no canister rwlgt"]),
        (["--wasm", "mine.wasm.gz", "--report", "mine.wasm.gz"], ["mine.wasm.gz"]),
        (["--budget", "-1"], ["--budget"]),
    ],
)
def test_what_cannot_be_run(run, wasm, arguments, words):
    """Bad input and networks that do not answer are exit status 2 in one line, never a verdict."""
    refused(run("gate", *arguments), 2, *words)


def test_careless_acceptances_are_bad_input(run, wasm, tmp_path):
    """An acceptance without a date is refused with its place in the file."""
    (tmp_path / "ic-harness.toml").write_text('[gate.accepted]\nUC4 = { reason = "see #12" }\n')
    refused(run("gate", "--wasm", wasm), 2, "ic-harness.toml: gate.accepted.UC4", "date")


def test_the_canister_of_the_project_is_judged(run, suite_of, wasm, tmp_path):
    """Without --wasm the canister of dfx.json is judged with its .did; of several one must be named."""
    suite_of(UC5=holds)
    (tmp_path / "mine.did").write_text("service : { other : () -> () }")
    mine = {"type": "custom", "wasm": wasm.name, "candid": "mine.did", "build": []}
    (tmp_path / "dfx.json").write_text(json.dumps({"canisters": {"mine": mine}}))
    result = run("gate")
    assert result.exit_code == 1
    assert "other is in the .did, but the module exports no such method" in result.stdout
    (tmp_path / "dfx.json").write_text(json.dumps({"canisters": {"mine": mine, "yours": mine}}))
    refused(run("gate"), 2, "mine, yours", "--wasm")


def test_a_running_canister_is_judged_as_it_is(run, suite_of, tmp_path):
    """Stages that need a Wasm are skipped by name, and their needs are named."""
    suite_of(UC5=holds, UC9=lambda stage: stage.upgrade())
    with embedded() as network:
        canister = network.deploy(reference_wasm())
        server = serve(network.replica)
        try:
            result = run("gate", "--network", server.url, "--canister-id", canister, "--json")
        finally:
            server.stop()
    assert result.exit_code == 0, result.output
    report = from_json(result.stdout)
    assert [stage.outcome for stage in report.stages] == [
        Outcome.SKIPPED,
        Outcome.PASSED,
        Outcome.SKIPPED,
        Outcome.PASSED,
    ]
    assert "running canister" in report.stages[0].findings[0]
    assert [check.outcome for check in report.checks] == [Outcome.PASSED, Outcome.SKIPPED]
    assert report.subject.canister == str(canister)


def _refused(*_):
    raise RejectError(5, "not now")


def test_a_build_leaves_no_canister_on_a_shared_network(run, suite_of, wasm, monkeypatch):
    """What the gate installs on a network that goes on is deleted again; what cannot be deleted is named."""
    suite_of(UC5=holds)
    with embedded() as network, serve(network.replica) as server:
        result = run("gate", "--network", server.url, "--wasm", wasm)
        assert result.exit_code == 0, result.output
        assert "Tidying up" not in result.stdout
        assert not network.replica.node.state.canisters
        monkeypatch.setattr(Management, "delete_canister", _refused)
        result = run("gate", "--network", server.url, "--wasm", wasm)
        assert result.exit_code == 0, result.output
        assert "Tidying up" in result.stdout
        assert f"stays on {server.url}" in " ".join(result.stdout.split())


def test_a_deployed_canister_as_baseline(run, suite_of, wasm, tmp_path):
    """NETWORK:CANISTER is what runs there; what it publishes is the interface that clients know."""
    suite_of(UC5=holds)
    assert run("deploy", "--json").exit_code == 0
    result = run("gate", "--wasm", wasm, "--baseline", "embedded:backend", "--json")
    assert result.exit_code == 0, result.output
    report = from_json(result.stdout)
    assert report.subject.baseline == "embedded:backend"
    assert report.stages[2].findings == ("every client of embedded:backend can go on",)


def test_on_github_the_job_page_tells(run, suite_of, wasm, tmp_path, monkeypatch):
    """There the failures are annotations, and the summary is added to the job's page; elsewhere neither."""
    suite_of(UC4=breaks)
    assert "::error" not in run("gate", "--wasm", wasm).output
    page = tmp_path / "page.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    result = run("gate", "--wasm", wasm, "--json")
    assert json.loads(result.stdout)["verdict"] == "refused"
    assert "::error title=UC4" in result.stderr
    assert "UC4" in page.read_text(encoding="utf-8")
