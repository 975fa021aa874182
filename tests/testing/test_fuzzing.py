"""Property tests from the interface: each planted fault is found, nothing in the healthy twin."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import wasmtime
from click.testing import CliRunner

from ic_harness.cli import commands
from ic_harness.errors import InputError
from ic_harness.networks import deploy_canister, embedded
from ic_harness.testing.fuzzing import INVARIANTS, FuzzError, fuzz
from ic_harness.testing.fuzzing.writing import _Writer

from . import counters

CANISTERS = Path(__file__).parents[2] / "fixtures" / "canisters"
FAULTS = {
    "no-trap": (["write", "entry"], r"entry\(\d+\) traps: .*Array index out of bounds"),
    "upgrade-keeps": (
        ["write", "count"],
        r"after the upgrade count\(\) answers 0 to owner, before it answered \d",
    ),
    "ownership": (
        ["write", "mine", "erase"],
        r"erase\(.*\) changes what mine answers to \w+: .* is now None",
    ),
    "instructions": (["sum"], r"sum\(.*\) exceeds the limit: .*20000000 instructions"),
}
"""Faults of notes_faulty by the invariant that they break: methods to call, and the message."""
NO_QUERY = """(module
  (import "ic0" "msg_reply" (func $reply))
  (memory 1)
  (func (export "canister_update get") (call $reply))
  (@custom "icp:public candid:service" "service : { get : () -> () query }"))"""

FORGETFUL = """(module
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (memory 1)
  (data (i32.const 0) "DIDL\\00\\01\\7d\\00")
  (func $show (call $append (i32.const 0) (i32.const 8)) (call $reply))
  (func (export "canister_update set")
    (i32.store8 (i32.const 7) (i32.const 1)) (call $append (i32.const 0) (i32.const 8)) (call $reply))
  (export "canister_query first" (func $show))
  (export "canister_query second" (func $show))
  (@custom "icp:public candid:service"
    "service : { set : () -> (nat); first : () -> (nat) query; second : () -> (nat) query }"))"""


@pytest.fixture(scope="module")
def network():
    with embedded() as running:
        yield running


@pytest.fixture(scope="module")
def notes(network):
    return deploy_canister(network, CANISTERS / "motoko" / "notes.wasm.gz")


@pytest.fixture(scope="module")
def faulty(network):
    return deploy_canister(network, CANISTERS / "motoko" / "notes_faulty.wasm.gz")


@pytest.fixture(scope="module")
def counter(network):
    return deploy_canister(network, counters.keeping())


SLOW = [
    pytest.param(it, marks=pytest.mark.slow) if it in ("ownership", "instructions") else it for it in FAULTS
]


@pytest.mark.parametrize("invariant", SLOW)
def test_planted_faults_are_found(faulty, invariant):
    """The fault is found by its invariant, with the shortest sequence, which fails again."""
    methods, message = FAULTS[invariant]
    report = fuzz(
        faulty,
        invariants=[invariant],
        methods=methods,
        raises=False,
        max_examples=60,
        instructions=20_000_000,
    )
    (failure,) = report.failures
    assert failure.confirmed
    assert (failure.invariant, failure.subject) in {(invariant, name) for name in methods}
    assert re.search(message, failure.message), failure.message
    assert len(failure.steps) == {"no-trap": 1, "instructions": 1}.get(invariant, 2)


@pytest.mark.parametrize("invariant", FAULTS)
def test_nothing_is_found_in_the_healthy_twin(notes, invariant):
    """The same search finds nothing where there is no fault; the canister is as it was before."""
    methods, _ = FAULTS[invariant]
    report = fuzz(
        notes, invariants=[invariant], methods=methods, max_examples=6, max_steps=6, instructions=20_000_000
    )
    assert report.failures == ()
    assert report.examples >= 6
    assert notes.count() == 0


@pytest.mark.slow
def test_all_invariants_hold_for_the_healthy_twin(notes):
    """With every invariant and every method."""
    assert fuzz(notes, max_examples=12).failures == ()


def test_a_query_that_is_none(network):
    """The interface says query, the module exports an update."""
    canister = deploy_canister(network, bytes(wasmtime.wat2wasm(NO_QUERY)))
    with pytest.raises(FuzzError, match="interface: the module has no such query, as the interface says"):
        fuzz(canister, max_examples=5)


def test_answers_by_the_clock(counter):
    """A query that answers differently at once is a fault, unless it is declared volatile."""
    with pytest.raises(FuzzError, match=r"pure-queries: \w+: now\(\) answers \d+, and asked again"):
        fuzz(counter, invariants=["pure-queries"], max_examples=10)
    fuzz(counter, volatile=["now"], max_examples=10, max_steps=5)


def test_an_upgrade_that_traps(network):
    """A trap in `post_upgrade` breaks `upgrade-keeps`, on the first upgrade."""
    canister = deploy_canister(network, counters.keeping())
    report = fuzz(
        canister, upgrade_to=counters.trapping("post_upgrade"), volatile=["now"], max_examples=5, raises=False
    )
    assert [(it.invariant, it.subject, len(it.steps)) for it in report.failures] == [
        ("upgrade-keeps", "upgrade", 1)
    ]


def test_a_known_fault_hides_no_other_of_the_same_step(network):
    """An upgrade that changes two answers is two failures, each by the shortest sequence."""
    canister = deploy_canister(network, bytes(wasmtime.wat2wasm(FORGETFUL)))
    report = fuzz(canister, max_examples=20, raises=False)
    assert {(it.invariant, it.subject): len(it.steps) for it in report.failures} == {
        ("upgrade-keeps", "first"): 2,
        ("upgrade-keeps", "second"): 2,
    }


def test_own_invariants(counter):
    """A function of the user is called after every step; what it asserts is the finding."""

    def stays_small(canister):
        assert canister.get() < 7, "seven is too much"

    with pytest.raises(FuzzError, match="own: stays_small: seven is too much") as caught:
        fuzz(counter, own=[stays_small], invariants=[], max_examples=15)
    (failure,) = caught.value.report.failures
    assert [str(step).partition(": ")[2] for step in failure.steps] == ["increment()", "increment()"]


def test_expected_traps(faulty):
    """Traps whose message matches are expected."""
    same: dict[str, Any] = {"invariants": ["no-trap"], "methods": ["entry"], "max_examples": 5}
    assert fuzz(faulty, allow_trap=["index out of b.unds"], **same).failures == ()
    with pytest.raises(FuzzError, match="Array index out of bounds"):
        fuzz(faulty, allow_trap=["another"], **same)


def test_the_same_seed_searches_the_same(faulty):
    """Two searches with one seed make the same calls and find the same."""
    same: dict[str, Any] = {
        "invariants": ["no-trap"],
        "methods": ["entry", "write"],
        "max_examples": 8,
        "raises": False,
    }
    one, two = fuzz(faulty, seed=5, **same), fuzz(faulty, seed=5, **same)
    assert (one.failures, one.calls) == (two.failures, two.calls)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"invariants": ["no-traps"]}, "there is no invariant 'no-traps'; .*no-trap"),
        ({"without": ["x"]}, "there is no invariant 'x'"),
        ({"methods": ["put"]}, "the interface has no method 'put'"),
        ({"allow_trap": ["("]}, "is no pattern"),
        ({"max_examples": 0}, "at least 1"),
    ],
)
def test_bad_options(counter, options, message):
    """Names that there are not are refused, with those that there are."""
    with pytest.raises(InputError, match=message):
        fuzz(counter, **options)


def test_the_time_is_bounded(counter):
    """No sequence begins after the time is over."""
    report = fuzz(counter, volatile=["now"], max_examples=1_000_000, seconds=0.2)
    assert report.time_over
    assert report.examples < 1_000


def run(*arguments):
    return CliRunner().invoke(commands, ["fuzz", *map(str, arguments)], prog_name="ic-harness")


def test_the_command(tmp_path, monkeypatch):
    """It prints the seed and what failed, ends with 1, and the same seed finds the same."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "counter.wasm").write_bytes(counters.keeping())
    (tmp_path / "own.py").write_text("def invariant_small(canister):\n    assert canister.get() < 6\n")
    asked = ("counter.wasm", "--module", "own.py", "--max-examples", 10)
    first = run(*asked, "--json")
    assert first.exit_code == 1, first.output
    found = json.loads(first.stdout)
    assert [(it["invariant"], it["subject"]) for it in found["failures"]] == [("own", "invariant_small")]
    again = run(*asked, "--seed", found["seed"])
    assert again.exit_code == 1
    assert f"seed {found['seed']}: " in again.stdout
    assert ": increment()" in again.stdout
    good = run("counter.wasm", "--max-examples", 5, "--seed", 1)
    assert (good.exit_code, "no invariant was broken" in good.stdout) == (0, True)
    bad = run("counter.wasm", "--invariant", "nothing")
    assert (bad.exit_code, "there is no invariant 'nothing'" in bad.stderr) == (2, True)
    assert set(INVARIANTS) == set(re.findall(r"[a-z]+(?:-[a-z]+)*", run("--help").stdout)) & set(INVARIANTS)


@pytest.mark.slow
def test_written_tests_fail_in_the_same_way(tmp_path, monkeypatch):
    """Every failure becomes a test that fails by the same error or comparison; on the healthy twin all pass."""
    monkeypatch.chdir(tmp_path)
    faulty = (CANISTERS / "motoko" / "notes_faulty.wasm.gz").read_bytes()
    (tmp_path / "notes.wasm.gz").write_bytes(faulty)
    done = run("notes.wasm.gz", "--seed", 1, "--max-examples", 100, "--instructions", 20_000_000,
               "--to-pytest", "test_found.py")  # fmt: skip
    assert done.exit_code == 1, done.output
    failed = _pytest(tmp_path)
    names = set(re.findall(r"FAILED test_found.py::(\w+)", failed))
    assert names == {
        "test_no_trap_entry",
        "test_upgrade_keeps_count",
        "test_ownership_erase",
        "test_instructions_sum",
    }
    for seen in ("Array index out of bounds", "assert 0 == 1", "IC0522", "assert None =="):
        assert seen in failed
    (tmp_path / "notes.wasm.gz").write_bytes((CANISTERS / "motoko" / "notes.wasm.gz").read_bytes())
    assert "4 passed" in _pytest(tmp_path)


@pytest.mark.slow
def test_written_tests_call_as_who_installed(tmp_path, monkeypatch):
    """The owner of a sequence installed the canister, which may know it by that; the written test's does as well."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "assets.wasm.gz").write_bytes((CANISTERS / "rust" / "assets.wasm.gz").read_bytes())
    interface = Path(__file__).parents[1] / "candid" / "data" / "assets.did"
    done = run("assets.wasm.gz", "--candid", interface, "--invariant", "no-trap", "--method", "delete_batch",
               "--seed", 0, "--max-examples", 10, "--to-pytest", "test_found.py")  # fmt: skip
    assert "with message: 'batch not found'" in done.stdout
    assert "with message: 'batch not found'" in _pytest(tmp_path)


def _pytest(folder):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_found.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def test_literals():
    """Values of every kind are written as Python that makes the same value."""
    from ic_harness.candid import FuncRef, ServiceRef, Some
    from ic_harness.principal import Principal

    writer = _Writer.__new__(_Writer)
    writer._principals = {}
    one = Principal.from_text("rrkah-fqaaa-aaaaa-aaaaq-cai")
    values: list[Any] = [
        *(0, -1, "ä\n'\"", b"\0x", True, None, 0.1, float("inf"), [], (), (1,), {"a": [Some(None)], 7: {}}),
        *(one, FuncRef(one, "m"), ServiceRef(one)),
    ]
    names = {"Some": Some, "FuncRef": FuncRef, "ServiceRef": ServiceRef, "Principal": Principal}
    assert [eval(writer.literal(value), names) for value in values] == values
