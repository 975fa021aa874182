"""The suite against a canister of each older generation: it runs to the end and reports what is broken, and why.

The table is what the published behaviour of those generations implies; the stand-ins behave as they do.
"""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import pytest

from ic_capsule.suite.checks import CHECKS
from ic_capsule.suite.context import CheckContext
from ic_harness.networks import embedded
from ic_harness.protocol import Ed25519Identity
from ic_harness.testing.check import Check
from ic_harness.testing.results import CheckResult, Outcome
from ic_harness.testing.runner import run_check

CANISTERS = Path(__file__).parents[2] / "fixtures" / "canisters" / "generations"
GENERATIONS = "ABCH"

# guarantee: (generations that break it, generations that cannot express it, why)
TABLE = {
    "UB3": ("BCH", "", "begin again restarts the rolling hash"),
    "UB4": ("ABCH", "", "another number of chunks is ignored"),
    "UB6": ("ABCH", "", "a committed idem begins anew"),
    "UB8": ("ABCH", "", "expiry compares different units and never comes"),
    "UC1": ("BCH", "", "the hash absorbs a chunk before it is refused"),
    "UC2": ("ABCH", "", "an empty chunk is taken"),
    "UC3": ("ABCH", "", "A overwrites; the others refuse the same chunk, having hashed it twice"),
    "UC4": ("BCH", "", "the hash absorbs chunks in the order of their arrival"),
    "UC5": ("BCH", "", "the hash absorbs chunks in the order of their arrival"),
    "UC6": ("BCH", "", "the hash absorbs a stranger's chunk"),
    "UC9": ("ABCH", "", "sessions live on the heap; A's in memory that an upgrade lays out anew"),
    "UF2": ("BCH", "", "a wrong hash takes the hasher away"),
    "UF3": ("BCH", "", "a wrong length is told as NotFound, and the hasher is gone"),
    "UF4": ("BCH", "", "a short hash traps"),
    "UF5": ("ABCH", "", "missing chunks are not named"),
    "UF6": ("ABCH", "", "finish again is NotFound"),
    "UF7": ("BCH", "", "a stranger's finish takes the hasher away"),
    "UF8": ("BCH", "", "the hasher outlives an abort"),
    "UF9": ("", "A", "A has no statistics"),
    "BL3": ("ABCH", "", "A counts; the others derive the id from a session number that begins anew"),
    "BL4": ("ABCH", "", "readers do not look at the caller"),
    "BL5": ("CH", "AB", "blob_delete does not look at the caller; A and B have none"),
    "BL6": ("BCH", "", "a large reply traps; A's chunks are so small that three fit"),
    "BL7": ("ABCH", "", "an upgrade lays stable memory out anew, and blobs are gone"),
    "BL8": ("", "AB", "A and B have no blob_delete"),
    "BL9": ("", "ABCH", "there are no quotas to set"),
    "BL10": ("ABCH", "", "the number of a locator is read as any number is"),
    "BL11": ("ABCH", "", "session numbers count up, and from B on blob ids are hashes of them"),
    "CA2": ("ABCH", "", "capsule ids are the time"),
    "CA3": ("ABCH", "", "anybody makes a capsule with any subject, and the subject is led to it"),
    "CA5": ("ABCH", "", "blobs stay when their capsule goes"),
    "CA6": ("H", "", "a second capsule is not listed, after an upgrade neither"),
    "CA7": ("ABCH", "", "anonymous callers create capsules"),
    "CA8": ("ABCH", "", "nobody counts capsules"),
    "CA9": ("H", "", "a second capsule is not listed"),
    "CA10": ("ABCH", "", "the subject of a capsule creates memories in it"),
    "CA11": ("ABCH", "", "binding a memory says Ok and changes nothing"),
    "CA12": ("ABCH", "", "readers do not look at the caller, subjects write, and permissions let nobody see"),
    "ME1": ("ABCH", "", "the hash of a blob reference is not compared"),
    "ME2": ("ABCH", "", "inline limits are told and not kept"),
    "ME3": ("ABCH", "", "the blob behind a reference is not looked up"),
    "ME4": ("ABCH", "", "the first content wins in silence"),
    "ME5": ("CH", "AB", "asset ids follow from the time; A and B make no memories of several assets"),
    "ME6": ("H", "ABC", "the idem of an added asset is ignored"),
    "ME8": ("CH", "AB", "metadata is stored as it was sent; A and B take none"),
    "ME9": (
        "ABCH",
        "",
        "the blob behind a reference is not looked up, and removals always say that they removed",
    ),
    "MR1": ("", "AB", "A and B make no memories with metadata of one's own"),
    "MR3": ("", "AB", "the same"),
    "MR4": ("H", "ABC", "a memory without access entries makes lists trap; before H there are none"),
    "MR5": ("CH", "", "a cursor past the end traps"),
    "MR7": ("", "ABC", "before H there are no access entries"),
    "MD1": ("", "AB", "A and B never delete the assets of a memory"),
    "MD2": ("AB", "", "A and B delete no memory that holds a blob"),
    "MD3": ("CH", "AB", "the first delete takes the shared blob away"),
    "MD4": ("", "AB", "A and B have no bulk calls"),
    "MD5": ("CH", "AB", "removals say that they removed, and do nothing"),
    "MD6": ("CH", "AB", "cleanup always tells 1"),
    "MD7": ("CH", "AB", "a missing blob stops the delete, after other blobs went"),
    "MD8": ("CH", "AB", "blobs count nothing"),
    "OP1": ("BCH", "A", "nobody is asked who they are"),
    "OP2": ("ABCH", "", "debugging endpoints are open"),
    "OP3": ("ABCH", "", "inline limits are told and not kept"),
    "OP4": ("CH", "", "every capsule is read, whoever asks for which"),
    "OP5": ("BCH", "", "nobody is asked who they are"),
    "OP6": ("", "A", "A has no list of sessions"),
    "OP9": ("H", "", "the idem of an added asset is ignored"),
    "OP10": ("ABCH", "", "blobs are gone after an upgrade, and sessions"),
    "HT1": ("", "ABC", "only H serves HTTP with tokens"),
    "HT2": ("H", "ABC", "only the first page of an asset is served"),
    "HT3": ("H", "ABC", "a changed token that means the same is taken"),
    "MR2": ("ABCH", "", "lists come in the order of a hash map, so what is added moves what was there"),
    "HT4": ("H", "ABC", "tokens are signed with zeros until an update mints one"),
    "HT5": (
        "H",
        "ABC",
        "the ids of a token count only where the address has one, and an id opens any variant",
    ),
    "FL1": ("", "AB", "a memory of A and B has one asset"),
    "FL2": ("AB", "", "memory ids are the time: photos of one round become one memory"),
    "FL4": ("CH", "AB", "a memory of a blob that is not there is made"),
}


def judge(generation: str) -> list[CheckResult]:
    """Run every check on the stand-in, each in a state of its own."""
    wasm = (CANISTERS / f"{generation.lower()}.wasm.gz").read_bytes()
    with embedded() as network:
        canister = network.deploy(wasm)

        def result(check: Check) -> CheckResult:
            context = CheckContext(
                network,
                canister,
                lambda name: Ed25519Identity.from_seed(hashlib.sha256(name.encode()).digest()),
                controller=network.deployer,
                upgrade=partial(network.install, canister, wasm, mode="upgrade"),
            )
            with network.anchored():
                return run_check(check, context)

        return [result(check) for check in CHECKS]


def ids(results: list[CheckResult], outcome: Outcome) -> set[str]:
    """The guarantees of which a check has this outcome."""
    return {result.guarantee.id for result in results if result.outcome is outcome}


@pytest.mark.slow
@pytest.mark.parametrize("generation", GENERATIONS)
def test_suite_judges_older_generations(generation):
    """Each guarantee that a generation breaks fails, each that it cannot express says so, the others pass."""
    results = judge(generation)
    broken = {id_ for id_, (breaking, _, _) in TABLE.items() if generation in breaking}
    silent = {id_ for id_, (_, unable, _) in TABLE.items() if generation in unable}
    assert [result.message for result in results if result.outcome is Outcome.ERROR] == []
    assert ids(results, Outcome.FAILED) == broken
    assert ids(results, Outcome.NOT_APPLICABLE) - broken == silent
    assert ids(results, Outcome.SKIPPED) == set()
    for result in results:
        assert (result.outcome is Outcome.PASSED) == (not result.message), "a verdict without a reason"
