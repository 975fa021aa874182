"""The reproduction of a violation is code that can be pasted: run by itself, it shows the fault again."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from ic_capsule.backend import AssetType, PersonRefPrincipal, QuotasUpdate, reference_wasm
from ic_capsule.suite.checks import CHECKS
from ic_capsule.suite.context import CheckContext, Sizes
from ic_capsule.suite.reproduction import rerun, scene
from ic_capsule.suite.sample_data import content
from ic_harness.errors import InputError
from ic_harness.networks import embedded
from ic_harness.protocol import Ed25519Identity
from ic_harness.testing.assertions import require
from ic_harness.testing.call_code import CallWriter, RecordedCall, Sample, UnwritableError, leaves
from ic_harness.testing.call_log import CallLog
from ic_harness.testing.results import Outcome
from ic_harness.testing.runner import run_check
from tests.testing.fake import check, context

from .mutants import mutant
from .test_generations import CANISTERS

PASTED = [
    (
        "hash-unverified",
        "UF2-wrong_hash_is_refused",
        r"uploads_finish\(.*32 bytes 00000000…, 2000\) -> UploadFinish",
    ),
    ("blobs-read-by-anyone", "BL4-strangers_cannot_read", r"mallory: blob_read\('blob_\d+'\) -> 1000 bytes"),
    (
        "capsule-bound-for-others",
        "CA3-nobody_is_led_astray",
        r"victim: capsules_read_basic\(None\) -> Capsule",
    ),
    (
        "chunks-lost-at-upgrade",
        "BL7-blobs_survive_an_upgrade",
        r"network: upgrade\(\) -> done\n(.*\n)*\d+. alice: blob_read_chunk\(.*bytes none",
    ),
    ("capsule-id-from-clock", "CA2-capsules_of_one_round", r"caller-0: capsules_create\(None\)"),
]


def broken(wasm, name, target):
    """Run one check on a build and return its result."""
    (wanted,) = [it for it in CHECKS if it.name == name]
    with embedded() as network:
        canister = network.deploy(wasm)
        where = CheckContext(
            network,
            canister,
            lambda who: Ed25519Identity.from_seed(who.encode().ljust(32)),
            controller=network.deployer,
            upgrade=lambda: network.install(canister, wasm, mode="upgrade"),
            target=target,
            sizes=Sizes(other_capsules=40, original=4_000_000),
        )
        return run_check(wanted, where)


def pasted(code):
    """Run code in a Python of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-"], input=code, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{code}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(("fault", "name", "shown"), PASTED, ids=[fault for fault, _, _ in PASTED])
def test_pasted_code_shows_the_fault(fault, name, shown, tmp_path):
    """The code of a report makes the calls again, on the same build, and the fault is seen."""
    path = tmp_path / "backend.wasm"
    path.write_bytes(mutant(fault))
    found = broken(path.read_bytes(), name, str(path))
    assert found.outcome is Outcome.FAILED
    code = found.reproduction
    assert "# seen: " in code
    assert re.search(shown, pasted(code)), f"{code}\n{pasted(code)}"


@pytest.mark.slow
def test_reproductions_of_an_old_backend_run(tmp_path):
    """Each failure of generation H has code that is Python, and one of each area runs to its end."""
    path = CANISTERS / "h.wasm.gz"
    areas: dict[str, str] = {}
    for it in CHECKS:
        found = broken(path.read_bytes(), it.name, str(path))
        if found.violations:
            compile(found.reproduction, it.name, "exec")
            areas.setdefault(it.guarantee.area, found.reproduction)
    assert len(areas) > 6
    for code in areas.values():
        assert pasted(code), code


def test_calls_that_cannot_be_written_run_the_check(capsys):
    """Without code for each call the whole check is run again, by its name."""

    def many(where):
        for number in range(200):
            where.call_log.add(_step(number))
        require(holds=False, what="at last")

    code = run_check(check(many), context(target="my.wasm")).reproduction
    assert code.endswith("rerun('UC4-many', 'my.wasm')\n")
    found = rerun("UF2-wrong_hash_is_refused", "reference")
    assert found.outcome is Outcome.PASSED
    assert "UF2-wrong_hash_is_refused: passed" in capsys.readouterr().out
    with pytest.raises(InputError, match="no check"):
        rerun("ZZ9-nothing", "reference")


def _step(number):
    from ic_harness.testing.call_log import CallRecord

    return CallRecord("alice", "put", str(number), "Ok")


def test_a_scene_goes_on_after_a_refusal(capsys):
    """Refusals are printed and returned, so that the code after them runs."""
    with scene("reference") as where:
        alice = where.client("alice")
        refused = alice.blob_read("blob_5")
        capsule = alice.capsules_create(None)
        assert where.client("controller").principal != where.client("anonymous").principal
        unknown = alice.call("no_such_method", "(nat64, text)", 1, "x")
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "1. alice: blob_read('blob_5') -> NotFound"
    assert refused.tag == "NotFound"
    assert capsule.id in printed[1]
    assert printed[2].startswith('3. alice: no_such_method(1 : nat64, "x") -> ')
    assert unknown.error_code == "IC0536"


def test_a_scene_needs_a_build(tmp_path):
    """A file that is not there is named."""
    with pytest.raises(InputError, match="cannot read"), scene(str(tmp_path / "none.wasm")):
        pass


def written(calls, *samples, people=None):
    return [text for _, text in CallWriter(samples, people or {}).lines(calls)]


def test_results_become_variables():
    """Ids that an earlier call returned are taken from it, also inside of texts; what was given stays a literal."""
    capsule = "capsule_17190000"
    calls = [
        RecordedCall(
            number=1, caller="alice", method="capsules_create", args=(None,), leaves=leaves([capsule])
        ),
        RecordedCall(
            number=2, caller="alice", method="uploads_begin", args=(capsule, 1, "idem"), leaves=leaves(1)
        ),
        RecordedCall(number=3, caller="alice", method="uploads_put_chunk", args=(1, 1, b"abc")),
        RecordedCall(
            number=4, caller="bob-2", method="look", args=(f"/asset/{capsule}/x",), named={"deep": True}
        ),
        RecordedCall(number=5, caller="", method="advance", args=(60,)),
    ]
    assert written(calls) == [
        "r1 = alice.capsules_create(None)",
        "r2 = alice.uploads_begin(r1[0], 1, 'idem')",
        "alice.uploads_put_chunk(r2, 1, b'abc')",
        "bob_2.look('/asset/' + r1[0] + '/x', deep=True)",
        "stage.advance(60)",
    ]


def test_bytes_are_expressions():
    """Bytes of `content`, slices of them and their digests are written as such; unknown long ones cannot be."""
    made = content(5000, "x")
    sample = Sample(5000, "x", made)

    def one(value):
        return written([RecordedCall(number=1, caller="a", method="m", args=(value,))], sample)

    assert one(made.data) == ["a.m(content(5000, 'x').data)"]
    assert one(made.data[1000:3000]) == ["a.m(content(5000, 'x').data[1000:3000])"]
    assert one(made.data + b"!") == ["a.m(content(5000, 'x').data + b'!')"]
    assert one(made.sha256) == ["a.m(content(5000, 'x').sha256)"]
    assert str(Sample(7, AssetType.Original, made)) == f"content(7, {str(AssetType.Original)!r})"
    assert one(bytes(4000)) == ["a.m(bytes(4000))"]
    assert one(b"") == ["a.m(b'')"]
    with pytest.raises(UnwritableError):
        one(b"\1" * 5000)


def test_models_and_principals():
    """Records and variants are written by their classes, callers by their names."""
    who = Ed25519Identity.from_seed(bytes(32)).principal
    quotas = QuotasUpdate(inline_bytes_per_capsule=5)
    writer = CallWriter([], {who: "alice"})
    calls = [RecordedCall(number=1, caller="a", method="m", args=(PersonRefPrincipal(value=who), quotas))]
    assert [text for _, text in writer.lines(calls)] == [
        "a.m(PersonRefPrincipal(value=stage.client('alice').principal), QuotasUpdate(inline_bytes_per_capsule=5))"
    ]
    assert writer.names == {"PersonRefPrincipal", "QuotasUpdate"}


def test_calls_of_one_round_stay_together():
    """What was executed in one round is made in one round again."""
    story = CallLog()
    calls = [
        RecordedCall(number=number, caller="a", method="m", args=(number,), together=1, how="in_one_round")
        for number in (1, 2)
    ]
    assert written(calls) == ["r1, r2 = stage.in_one_round([lambda: a.m(1), lambda: a.m(2)])"]
    with story.together("in_one_round"):
        story.add(_step(1), calls[0])
    story.add(_step(2), calls[1])
    written_out = story.written_out(2)
    assert written_out is not None
    assert [call.together for call in written_out] == [1, 0]


def test_the_reference_backend_is_a_target():
    """The name `reference` means the build that is part of the package."""
    assert broken(reference_wasm(), "UF2-wrong_hash_is_refused", "reference").reproduction == ""
