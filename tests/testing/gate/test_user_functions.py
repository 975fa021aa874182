"""The gate on anybody's canister: functions of the user's own, and what the gate sees by itself."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from ic_harness import candid
from ic_harness.errors import InputError
from ic_harness.testing.gate import Build, GateRequest, SuiteEntry, run_gate, suite_for, suite_named, suites
from ic_harness.testing.gate.generic import user_suite
from ic_harness.testing.report import write_report
from ic_harness.testing.results import Outcome, Verdict
from tests.testing import counters

from .conftest import TODAY, reference

FILL_AND_VERIFY = """
def fill(canister):
    for _ in range(7):
        canister.increment()


def verify(canister):
    assert canister.get() == 12
"""
CATALOGUE = """
[W1]
severity = "C"
text = "The count is never lost"
means = "Users count again."
fix = "Keep it in stable memory."

[W12]
severity = "L"
area = "Speed"
text = "The count goes up by one"
"""


@pytest.fixture
def write(tmp_path):
    """Write a file of the test's own folder."""

    def written(text, name="gate_counter.py"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return written


@pytest.fixture
def judged(network, write):
    """Judge a build with the functions of a file."""

    def judge(wasm, module="", *, baseline=None, volatile=("now",), catalogue="", did=None, **request):
        files = [write(module)] if module else []
        catalogues = [write(catalogue, "guarantees.toml")] if catalogue else []
        old = Build(name="old.wasm", wasm=baseline) if baseline is not None else None
        return run_gate(
            GateRequest(
                subject=Build(name="new.wasm", wasm=wasm, interface=did),
                baseline=old,
                suite=user_suite(files, catalogues, volatile),
                today=TODAY,
                started="2026-11-21T10:00:00+00:00",
                **request,
            ),
            network,
        )

    return judge


def stage(report, name):
    return next(stage for stage in report.stages if stage.name == name)


def test_a_lost_count_is_refused(judged):
    """The user's verify fails after the upgrade; the finding has its assertion, its place and the last call."""
    report = judged(counters.losing(), FILL_AND_VERIFY, baseline=counters.losing())
    assert report.verdict is Verdict.REFUSED
    finding = stage(report, "Upgrade").findings[0]
    assert "after the upgrade, " in finding
    assert "gate_counter.py::verify does not hold: assert canister.get() == 12" in finding
    assert "line 8); the last call was get() -> 0" in finding


def test_the_healthy_twin_passes(judged):
    """Everything is there after the upgrade, after the way back and after the snapshot."""
    report = judged(counters.keeping(), FILL_AND_VERIFY, baseline=counters.keeping())
    assert report.verdict is Verdict.PASS, report.refusals
    back = stage(report, "Back-out")
    assert back.outcome is Outcome.PASSED
    assert [finding.partition(":")[0] for finding in back.findings] == [
        "after installing the baseline over the new build",
        "after backing out",
    ]


def test_a_given_interface_is_enough(judged):
    """Builds that publish no interface are called by the one that was given, the baseline too."""
    bare = counters.keeping(section="other")
    for module in (FILL_AND_VERIFY, ""):
        report = judged(bare, module, baseline=bare, did=candid.parse(counters.DID))
        assert stage(report, "Upgrade").outcome is Outcome.PASSED
        assert stage(report, "Back-out").outcome is Outcome.PASSED
    assert "1 query without arguments answered as before" in str(stage(report, "Upgrade"))


@pytest.mark.parametrize(("wasm", "verdict"), [("losing", Verdict.REFUSED), ("keeping", Verdict.PASS)])
def test_queries_tell_without_any_function(judged, wasm, verdict):
    """Without fill and verify a query without arguments that answers otherwise after the upgrade refuses."""
    report = judged(getattr(counters, wasm)())
    assert report.verdict is verdict, report.refusals
    if verdict is Verdict.REFUSED:
        assert (
            "after the upgrade, get() answers 0, before it answered 5. Keep that state" in report.refusals[0]
        )
        assert 'volatile = ["get"]' in report.refusals[0]


def test_what_is_declared_volatile_may_change(judged):
    """A declared query is not compared; a query that never answers the same must be declared."""
    assert judged(counters.losing(), volatile=("now", "get")).verdict is Verdict.PASS
    report = judged(counters.keeping(), volatile=())
    assert report.verdict is Verdict.REFUSED
    assert "now() answers otherwise each time it is asked: declare it" in report.refusals[0]


WRITES = '(func (export "canister_pre_upgrade") (call $write (i32.const 64) (i32.const 0) (i32.const 4)))'


def test_memory_may_change_only_when_declared(judged):
    """Stable memory that an upgrade changes is a fault, unless it is declared."""
    wasm = counters.counter(
        f'{WRITES} (func (export "canister_post_upgrade") '
        "(call $read (i32.const 7) (i32.const 0) (i32.const 4)))"
    )
    assert "the stable memory is another than before" in judged(wasm).refusals[0]
    assert judged(wasm, volatile=("now", "stable memory")).verdict is Verdict.PASS


def test_certified_data_may_change_only_when_declared(judged):
    """So is certified data."""
    wasm = counters.counter(
        '(func (export "canister_post_upgrade") (call $certify (i32.const 0) (i32.const 4)) '
        "(call $read (i32.const 7) (i32.const 0) (i32.const 4)))"
    )
    assert "the certified data is another than before" in judged(wasm).refusals[0]
    assert judged(wasm, volatile=("now", "certified data")).verdict is Verdict.PASS


@pytest.mark.parametrize("hook", ["pre_upgrade", "post_upgrade"])
def test_a_trap_at_the_upgrade_says_what_to_do(judged, hook):
    """The hook that trapped is found in the modules, and the finding has its remedy."""
    old, new = counters.keeping(), counters.trapping(hook)
    if hook == "pre_upgrade":
        old, new = new, counters.counter()
    upgrade = stage(judged(new, FILL_AND_VERIFY, baseline=old), "Upgrade")
    assert upgrade.outcome is Outcome.FAILED
    assert "the upgrade from old.wasm is refused" in upgrade.findings[0]
    (fix,) = [finding for finding in upgrade.findings if finding.startswith("fix: ")]
    assert f"build traps in {hook}" in fix
    assert any("after the refused upgrade" in finding and "holds" in finding for finding in upgrade.findings)


def test_a_baseline_that_cannot_read_the_new_state_is_told(judged):
    """A downgrade that loses stored state is refused; one that traps leaves the snapshot, and a note says so."""
    more = FILL_AND_VERIFY.replace("verify(canister)", "verify(canister, state)").replace(
        "12", "(state or 12)"
    ) + ("\n\ndef fill_more(canister):\n    canister.increment()\n    return 13\n")
    back = stage(judged(counters.keeping(), more, baseline=counters.losing()), "Back-out")
    assert back.outcome is Outcome.FAILED
    assert "after installing the baseline over the new build" in back.findings[0]
    assert "the last call was get() -> 0" in back.findings[0]
    back = stage(judged(counters.keeping(), more, baseline=counters.trapping("post_upgrade")), "Back-out")
    assert back.outcome is Outcome.PASSED, back.findings
    assert "keep a snapshot from before the deploy, it is the only way back" in back.findings[0]


def test_a_workload_of_the_users_own_is_measured(judged):
    """Budgets measures the calls of the workload; a failed assertion in it is noted, and earlier calls are measured."""
    calls = "def workload(canister):\n    canister.increment()\n    assert canister.get() == 99\n"
    report = judged(counters.keeping(), calls, baseline=counters.keeping())
    assert [cost.method for cost in report.costs] == ["get", "increment"]
    assert all(cost.budget is not None for cost in report.costs)
    assert "workload stopped: assert canister.get() == 99" in "".join(stage(report, "Budgets").findings)


GUARANTEES = """
import pytest
from ic_harness.testing.assertions import require


@pytest.mark.guarantee("W1")
def test_kept(canister, target):
    target.upgrade()
    assert canister.get() == 5, "\\x1b[2Jthe count is gone"


@pytest.mark.guarantee("W12")
def test_up(canister, identity, network):
    require(canister.as_(identity("bob")).increment() == 6, "increment() skips numbers", "Counts are wrong.")
"""


def test_own_guarantees_are_judged(judged):
    """Each is a check with its calls; the catalogue of the report is the user's."""
    report = judged(counters.keeping(), GUARANTEES, catalogue=CATALOGUE)
    assert report.verdict is Verdict.PASS, report.refusals
    assert [(check.check, check.outcome) for check in report.checks] == [
        ("W1-test_kept", Outcome.PASSED),
        ("W12-test_up", Outcome.PASSED),
    ]
    assert [guarantee.id for guarantee in report.catalogue] == ["W1", "W12"]


def test_a_run_without_guarantees_is_reported(judged, tmp_path):
    """No format mentions guarantees that are not stated; the suite's name replaces the generation."""
    report = judged(counters.keeping())
    write_report(report, tmp_path)
    page, summary = ((tmp_path / name).read_text(encoding="utf-8") for name in ("index.html", "summary.md"))
    assert "No stage of the gate found a fault; no guarantees are stated." in page
    assert 'id="guarantees"' not in page
    assert "0 guarantees" not in summary
    assert "suite generic" in summary


def test_a_guarantee_without_a_test_is_told(judged):
    """A promise that nothing proves or refutes is named, also when everything else passes."""
    one = GUARANTEES.partition('@pytest.mark.guarantee("W12")')[0]
    found = stage(judged(counters.keeping(), one, catalogue=CATALOGUE), "Guarantees")
    assert "no test proves or refutes W12" in found.findings


def test_a_broken_guarantee_refuses(judged):
    """The violation is the test's assertion, with the meaning of the catalogue and the calls."""
    report = judged(counters.losing(), GUARANTEES, catalogue=CATALOGUE, volatile=("now", "get"))
    assert report.verdict is Verdict.REFUSED
    (broken,) = [check for check in report.checks if check.outcome is Outcome.FAILED]
    assert broken.guarantee.id == "W1"
    (violation,) = broken.reported
    assert "\x1b" not in violation.what
    assert "the count is gone" in violation.what
    assert violation.meaning == "Users count again."
    assert [step.method for step in broken.story] == ["upgrade", "get"]


@pytest.mark.parametrize(
    ("body", "outcome", "words"),
    [
        ("pytest.skip('no clock')", Outcome.SKIPPED, "no clock"),
        ("pytest.fail('it is wrong')", Outcome.FAILED, "it is wrong"),
        ("target.network.nonsense()", Outcome.ERROR, "nonsense"),
        ("canister.call('gone')", Outcome.ERROR, "no method 'gone'"),
    ],
)
def test_how_a_test_can_end(judged, body, outcome, words):
    """A skip proves nothing, a failure refuses, and a bug of the test is no verdict."""
    test = f"import pytest\n\n@pytest.mark.guarantee('W1')\ndef test(canister, target):\n    {body}\n"
    report = judged(counters.keeping(), test, catalogue=CATALOGUE)
    (check,) = report.checks
    assert check.outcome is outcome
    assert words in check.message
    assert report.verdict is (Verdict.REFUSED if outcome is Outcome.FAILED else Verdict.COULD_NOT_RUN)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("def fill(:", ["cannot import", "SyntaxError"]),
        ("raise SystemExit(3)", ["cannot import", "SystemExit"]),
        ("def fill(canister, wallet): ...", ["fill asks for 'wallet'", "canister, identity, network"]),
        ("async def verify(canister): ...", ["verify must be a plain function"]),
        (
            "import pytest\ndef fill(): ...\n@pytest.mark.gate_fill\ndef test_fill(): ...",
            ["test_fill", "fill are both fill"],
        ),
        (
            "import pytest\n@pytest.mark.guarantee('W1')\ndef verify(): ...",
            ["verify is verify and a test of a guarantee"],
        ),
        ("def other(): ...", ["has no fill, no fill_more", "no test of a guarantee"]),
        (
            "import pytest\nclass Test:\n    @pytest.mark.guarantee('W1')\n    def test_a(self=None): ...",
            ["test_a is a method of a class"],
        ),
        (
            "import pytest\n@pytest.mark.guarantee('X9')\ndef test(): ...",
            ["the guarantee 'X9'", "W1, W12"],
        ),
    ],
)
def test_careless_files_are_refused(write, module, words):
    """A file that cannot be used is bad input, with what is wrong and where."""
    with pytest.raises(InputError) as refused:
        user_suite([write(module)], [write(CATALOGUE, "guarantees.toml")], ())
    assert all(word in str(refused.value) for word in words), refused.value


def test_functions_are_found_by_marker_too(judged):
    """Ordinary tests with the markers `gate_fill` and `gate_verify` are used as fill and verify."""
    marked = FILL_AND_VERIFY.replace("def fill", "@pytest.mark.gate_fill\ndef test_a").replace(
        "def verify", "@pytest.mark.gate_verify\ndef test_b"
    )
    report = judged(counters.losing(), f"import pytest\n{marked}")
    assert "::test_b does not hold" in report.refusals[0]


def test_a_bug_of_verify_is_no_verdict(judged):
    """An error of the user's own code ends as one that could not run, with its place."""
    report = judged(counters.keeping(), "def verify(canister):\n    return {}['x']\n")
    assert report.verdict is Verdict.COULD_NOT_RUN
    assert "verify raised KeyError: 'x'" in report.refusals[0]
    assert "line 2" in report.refusals[0]


def test_the_users_code_prints_on_standard_error(judged, capsys, write):
    """Standard output is the report's; modules beside the file can be imported, at any time."""
    write("NUMBER = 12\n", "helper.py")
    module = "print('loaded')\n" + FILL_AND_VERIFY.replace(
        "    assert",
        "    print('called')\n    from helper import NUMBER\n    assert NUMBER == 12\n    assert",
    )
    assert judged(counters.keeping(), module).verdict is Verdict.PASS
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[:2] == ["loaded", "called"]


def test_the_interface_chooses_the_suite():
    """A capsule backend is judged by its suite, whatever .did was given; anything else by the generic one."""
    assert suite_for(reference().service).name == "capsule"
    assert suite_for(Build(name="x", wasm=counters.keeping()).service).name == "generic"
    assert suite_for(None).name == "generic"


class _Point:
    """An entry point as another distribution would have it."""

    def __init__(self, name, loads):
        self.name, self.value, self._loads = name, f"package:{name}", loads

    def load(self):
        if isinstance(self._loads, Exception):
            raise self._loads
        return self._loads


def test_suites_of_others_are_found(monkeypatch):
    """An entry point is asked by name and by interface; one that cannot be loaded is named."""
    mine = SuiteEntry(
        name="mine",
        summary="",
        matches=lambda service: "get" in service.methods,
        load=lambda: user_suite([], [], ()),
    )
    _install(monkeypatch, [_Point("mine", mine)])
    assert suite_named("mine") is mine
    assert suite_for(Build(name="x", wasm=counters.keeping()).service) is mine
    assert suite_for(reference().service).name == "generic"
    _install(monkeypatch, [_Point("broken", ImportError("no module")), _Point("other", 7)])
    with pytest.raises(InputError, match=r"'broken'.*cannot be loaded: ImportError: no module"):
        suite_named("broken")
    with pytest.raises(
        InputError, match=r"must be an instance of ic_harness.testing.gate.suite.SuiteEntry, not of int"
    ):
        suite_named("other")
    with pytest.raises(InputError, match="there is no suite 'nonsense'; there are: broken, other, generic"):
        suite_named("nonsense")


def test_a_suite_is_loaded_for_canisters_with_its_methods_only(monkeypatch):
    """What an entry point says that it needs is compared before the suite is imported."""
    broken = _Point("broken", ImportError("no module"))
    service = Build(name="x", wasm=counters.keeping()).service
    _install(monkeypatch, [broken], broken=[_Point("transfer", None)])
    assert suite_for(service).name == "generic"
    _install(monkeypatch, [broken], broken=[_Point("get", None)])
    with pytest.raises(InputError, match=r"'broken'.*cannot be loaded"):
        suite_for(service)


def _install(monkeypatch, entries, **needed):
    """Install these suites alone; `needed` has the entry points for methods by the suite's name."""
    groups = {suites.GROUP: entries} | {f"{suites.GROUP}.{name}": points for name, points in needed.items()}
    monkeypatch.setattr(suites, "entry_points", lambda group: groups.get(group, []))


def test_the_example_of_the_page_runs(judged):
    """The files that docs/gate.md shows refuse the faulty counter and accept its healthy twin."""
    page = (Path(__file__).parents[3] / "docs" / "gate.md").read_text(encoding="utf-8")
    python = next(block for block in page.split("```py\n")[1:] if "def fill" in block).partition("```")[0]
    toml = next(block for block in page.split("```toml\n")[1:] if "[W1]" in block).partition("```")[0]
    assert judged(counters.keeping(), python, catalogue=toml).verdict is Verdict.PASS
    assert judged(counters.losing(), python, catalogue=toml).verdict is Verdict.REFUSED


def test_the_entry_of_the_page_is_one(monkeypatch):
    """The entry points of docs/own-suites.md find its suite for its kind of canister alone."""
    page = (Path(__file__).parents[3] / "docs" / "own-suites.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    exec(page.partition("```py\n")[2].partition("```")[0], names)
    blocks = [block.partition("```")[0] for block in page.split("```toml\n")[1:]]
    groups: dict[str, dict[str, str]] = {}
    for block in blocks:
        groups |= tomllib.loads(block).get("project", {}).get("entry-points", {})
    needed = [_Point(method, None) for method in groups[f"{suites.GROUP}.mine"]]
    _install(monkeypatch, [_Point(name, names["ENTRY"]) for name in groups[suites.GROUP]], mine=needed)
    assert suite_for(reference().service).name == "generic"
    assert suite_for(candid.parse("service : { my_method : () -> (); other : () -> () }")) is names["ENTRY"]


SEARCHING = """
from ic_harness.testing.fuzzing import fuzz


def fill(canister):
    fuzz(canister, max_examples=2, max_steps=2, seed=1, raises=False)


def verify(canister):
    pass
"""


def test_searches_of_the_users_functions_are_in_the_report(judged):
    """What a function of the module searched is measured, like in a run of tests."""
    report = judged(counters.keeping(), SEARCHING)
    assert stage(report, "Upgrade").outcome is Outcome.PASSED
    (search,) = report.measured.searches
    assert search.kind == "fuzz"
    assert search.summary.startswith("seed 1: 2 sequences, ")
