"""`scripts/steady` reports verdicts that differ between runs, and only those."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from .mutants import ROOT

_SPEC = importlib.util.spec_from_file_location("ic_harness_steady", ROOT / "scripts" / "steady.py")
assert _SPEC is not None
assert _SPEC.loader is not None
steady = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = steady
_SPEC.loader.exec_module(steady)

SAME = {"UC4-one": "passed", "UC5-two": "failed critical"}


def test_equal_runs_do_not_differ(capsys):
    """Runs that found the same are no difference, however many there were."""
    assert steady.differences([SAME, dict(SAME), dict(SAME)]) == {}
    assert steady.report({"H": [SAME, SAME]}) == 0
    assert capsys.readouterr().out.strip() == "2 of H: 0 differences"


def test_another_word_is_a_difference(capsys):
    """A verdict, a severity or a check that did not occur in every run is reported with its counts."""
    other = {"UC4-one": "passed", "UC5-two": "failed high"}
    lacking = {"UC4-one": "passed"}
    assert steady.differences([SAME, other, SAME, lacking]) == {
        "UC5-two": {"failed critical": 2, "failed high": 1, "nothing": 1}
    }
    assert steady.report({"H": [SAME, other], "A": [SAME, SAME]}) == 1
    assert "| H | UC5-two | failed critical 1 times, failed high 1 times |" in capsys.readouterr().out


def test_it_judges_with_busy_cores(capsys):
    """Two runs of one guarantee on the reference backend and on a stand-in, beside a process that only computes."""
    assert steady.main(["--runs", "2", "--busy", "1", "--only", "UB1,UB4", "reference", "H"]) == 0
    out = capsys.readouterr().out
    assert "run 2 of reference: 2 passed," in out
    assert "run 2 of H: 1 passed, 1 failed medium," in out


def test_what_was_run_is_told_when_it_is_interrupted(monkeypatch, capsys):
    """Ctrl-C ends the runs, reports those that finished, and is no success."""
    found = iter([SAME, {**SAME, "UC4-one": "failed high"}])

    def judge(*_):
        try:
            return next(found)
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(steady, "judge", judge)
    assert steady.main(["--busy", "0", "A"]) == 130
    assert "| A | UC4-one | passed 1 times, failed high 1 times |" in capsys.readouterr().out


def test_busy_processes_end():
    """The processes that keep the cores busy run in the block and no longer."""
    with steady.busy(2) as started:
        assert [process.poll() for process in started] == [None, None]
    assert None not in [process.returncode for process in started]


@pytest.mark.parametrize("arguments", [["--runs", "0"], ["--busy", "-1"], ["Z"]])
def test_wrong_options_are_refused(arguments, capsys):
    """Unknown subjects and meaningless counts are errors."""
    with pytest.raises(SystemExit) as ended:
        steady.main(arguments)
    assert ended.value.code == 2
    assert "steady: error:" in capsys.readouterr().err
