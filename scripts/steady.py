"""Judges the same canisters again and again, with all cores busy, and tells every verdict that was not always the same.

A verdict must not depend on speed or luck. Each run has a network of its own, real time, calls at once in threads, and
callers whose keys are drawn anew; what it found is kept as one word for each check (and for each stage of the gate).
Processes that only compute take the cores away meanwhile. The exit status is 1 when any word differed between two runs,
and 130 when Ctrl-C ended it, which tells of the runs so far.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ic_capsule.backend import reference_wasm
from ic_capsule.suite.checks import CHECKS, Check
from ic_capsule.suite.context import CheckContext
from ic_harness.networks import embedded
from ic_harness.protocol import Ed25519Identity
from ic_harness.testing.gate import Build, GateRequest, run_gate
from ic_harness.testing.results import CheckResult
from ic_harness.testing.runner import run_check

ROOT = Path(__file__).resolve().parent.parent
GENERATIONS = ROOT / "fixtures" / "canisters" / "generations"
SUBJECTS = ("gate", "reference", "A", "B", "C", "H")
Words = Mapping[str, str]
"""What one run found: a word by the name of each check or stage."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0 when every run found the same."""
    options = _parse(arguments)
    checks = [check for check in CHECKS if not options.only or check.guarantee.id in options.only]
    runs: dict[str, list[Words]] = {subject: [] for subject in options.subjects or SUBJECTS}
    try:
        with busy(options.busy):
            for number in range(1, options.runs + 1):
                _round(number, runs, checks)
    except KeyboardInterrupt:
        report(runs)
        return _INTERRUPTED
    return report(runs)


_INTERRUPTED = 130


def _round(number: int, runs: Mapping[str, list[Words]], checks: Sequence[Check]) -> None:
    """Judge every subject once more."""
    for subject, found in runs.items():
        started = time.perf_counter()
        found.append(judge(subject, checks))
        seconds = time.perf_counter() - started
        print(f"run {number} of {subject}: {summary(found[-1])}, {seconds:.0f} s", flush=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/steady", description=__doc__.partition("\n")[0])
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(SUBJECTS)}")
    parser.add_argument("--runs", type=int, default=30, help="how often each is judged (default: 30)")
    parser.add_argument(
        "--busy",
        type=int,
        default=os.cpu_count() or 1,
        help="processes that compute meanwhile (default: one a core)",
    )
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        metavar="ID,ID…",
        default=[],
        help="these guarantees only",
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.subjects) - set(SUBJECTS):
        parser.error(f"no subject {', '.join(sorted(unknown))}; there are {', '.join(SUBJECTS)}")
    if options.runs < 1 or options.busy < 0:
        parser.error("--runs is at least 1, --busy at least 0")
    return options


_COMPUTING = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"
"""What ends with its parent, however that ends."""


@contextmanager
def busy(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Keep `count` cores busy for the block; gives the processes that do."""
    command = [sys.executable, "-c", _COMPUTING]
    started: list[subprocess.Popen[bytes]] = []
    try:
        started += [subprocess.Popen(command) for _ in range(count)]
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def judge(subject: str, checks: Sequence[Check]) -> Words:
    """Judge a subject once."""
    if subject == "gate":
        return _gate()
    path = GENERATIONS / f"{subject.lower()}.wasm.gz"
    wasm = reference_wasm() if subject == "reference" else path.read_bytes()
    with embedded() as network:
        canister = network.deploy(wasm)
        found = []
        for check in checks:
            salt = os.urandom(16)
            stage = CheckContext(
                network,
                canister,
                partial(_identity, salt),
                controller=network.deployer,
                upgrade=partial(network.install, canister, wasm, mode="upgrade"),
            )
            with network.anchored():
                found.append(run_check(check, stage))
    return words(found)


def _identity(salt: bytes, name: str) -> Ed25519Identity:
    return Ed25519Identity.from_seed(hashlib.sha256(salt + name.encode()).digest())


def _gate() -> Words:
    now = datetime.now(UTC)
    build = Build(name="backend.wasm.gz", wasm=reference_wasm(), place="reference")
    request = GateRequest(
        subject=build, today=now.date(), started=now.isoformat(timespec="seconds"), salt=os.urandom(16)
    )
    with embedded() as network:
        found = run_gate(request, network)
    stages = {f"stage {stage.name}": stage.outcome.value for stage in found.stages}
    return {"verdict": found.verdict.value, **stages, **words(found.checks)}


def words(results: Sequence[CheckResult]) -> dict[str, str]:
    """Give the outcome of each check, with the severity of the worst that it found."""
    return {
        row.check: " ".join(
            [row.outcome.value, *(row.violations[0].severity.name.lower() for _ in row.violations[:1])]
        )
        for row in results
    }


def summary(found: Words) -> str:
    """Count the words of one run."""
    counts = Counter(found.values())
    return ", ".join(f"{count} {word}" for word, count in counts.most_common())


def differences(runs: Sequence[Words]) -> dict[str, dict[str, int]]:
    """Give, by name, how often each word was found, where it was not always the same."""
    names = dict.fromkeys(name for run in runs for name in run)
    found = {name: dict(Counter(run.get(name, "nothing") for run in runs)) for name in names}
    return {name: counts for name, counts in found.items() if len(counts) > 1}


def report(runs: Mapping[str, Sequence[Words]]) -> int:
    """Print a table of all differences; gives the exit status."""
    rows = [
        (subject, name, ", ".join(f"{word} {times} times" for word, times in counts.items()))
        for subject, found in runs.items()
        for name, counts in differences(found).items()
    ]
    told = ", ".join(f"{len(found)} of {subject}" for subject, found in runs.items())
    print(f"\n{told}: {len(rows)} differences")
    if rows:
        print("\n| subject | check or stage | found |\n|---|---|---|")
        for row in rows:
            print(f"| {' | '.join(row)} |")
    return 1 if rows else 0


if __name__ == "__main__":
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # `kill` tells of the runs so far, as Ctrl-C does
    sys.exit(main())
