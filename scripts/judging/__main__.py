"""Run official suites against a replica and compare with the committed lists of expected failures.

Prints one line a suite, and below it every difference, better or worse. Exit status: 0 as expected (or the suite is
missing, which is said), 1 with differences or without a verdict, 2 for an unknown name.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import agent_rs
import ic_ref_test
import icp_js_core
import pic_js
import pic_js_examples
import pocketic_py
from expected import Expected
from judge import Bench, BrokenOffError, Judge, Result, UnavailableError
from served import served

ROOT = Path(__file__).resolve().parents[2]
JUDGES: tuple[Judge, ...] = (
    ic_ref_test.JUDGE,
    icp_js_core.JUDGE,
    agent_rs.JUDGE,
    pic_js.JUDGE,
    pic_js_examples.JUDGE,
    pocketic_py.JUDGE,
)


def main(arguments: list[str]) -> int:
    """Run the named suites, or all."""
    known = {judge.name: judge for judge in JUDGES}
    parser = argparse.ArgumentParser("scripts/judges", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    parser.add_argument("--jobs", type=int, default=4, help="cases at once (default: %(default)s)")
    parser.add_argument(
        "--expected", type=Path, default=ROOT / "tests" / "interop" / "expected", help="folder of the lists"
    )
    options = parser.parse_args(arguments)
    # So that a suite and its replica are ended, and temporary folders removed, also when this program is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    unknown = set(options.names) - known.keys()
    if unknown:
        parser.error(f"no such judge: {', '.join(sorted(unknown))}; known are {', '.join(known)}")
    chosen = [known[name] for name in options.names] or list(JUDGES)
    return max(judged(judge, options.expected, options.jobs) for judge in chosen)


def shelf() -> Path:
    """The folder of the suites."""
    return Path(os.environ.get("IC_HARNESS_JUDGES") or ROOT.parent / "shared" / "judges")


def once(judge: Judge, found: Path, jobs: int) -> Mapping[str, Result]:
    """Run one suite beside a replica of its own."""
    with tempfile.TemporaryDirectory(prefix="ic-harness-judge-") as folder:
        work = Path(folder) / "work"
        work.mkdir()
        with (
            judge.beside(Path(folder)) as beside,
            served(
                Path(folder) / "state",
                *beside.options,
                program=beside.program,
                environment=beside.environment,
            ) as url,
        ):
            return judge.run(Bench(found.resolve(), url, work, jobs, beside.words))


def judged(judge: Judge, lists: Path, jobs: int) -> int:
    """Run one suite; print its score and its differences; return the exit status."""
    found = judge.find(shelf())
    if found is None:
        print(f"{judge.name}: skipped, {judge.pattern} is not in {shelf()}")
        return 0
    wanted = Expected.read(lists / f"{judge.name}.toml")
    try:
        results = once(judge, found, jobs)
        differences = list(wanted.differences(results))
        if differences:
            # Suites poll against the clock, so on a busy machine a case may fail by chance: twice is no chance.
            print(f"{judge.name}: {len(differences)} differences, run once more", flush=True)
            again = {text.splitlines()[0] for text in wanted.differences(once(judge, found, jobs))}
            differences = [text for text in differences if text.splitlines()[0] in again]
    except UnavailableError as missing:
        print(f"{judge.name}: skipped, {missing}")
        return 0
    except BrokenOffError as problem:
        print(f"{judge.name}: no verdict, {problem}")
        return 1
    passed = sum(result.passed for result in results.values())
    print(
        f"{judge.name}: {passed} of {len(results)} passed, {len(wanted.reasons)} expected to fail, "
        f"{len(differences)} differences"
    )
    for difference in differences:
        print(f"  {difference}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
