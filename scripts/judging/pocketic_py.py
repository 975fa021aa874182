"""PocketIC's Python client: its tests and its two examples, run by pytest on our server of its interface."""

from __future__ import annotations

import tarfile
import xml.etree.ElementTree as ET  # a report that pytest wrote for us
from collections.abc import Iterator, Mapping
from pathlib import Path

from judge import Bench, BrokenOffError, Judge, Result, command, numbered
from pocket_ic_server import binary
from tools import installed, toolbox

REQUIREMENTS = toolbox.HERE / "python" / "pocketic-py.txt"
PARTS = (
    (Path("tests"), "pocket_ic_test.py"),
    (Path("examples/counter_canister"), "counter_canister_test.py"),
    (Path("examples/ledger_canister"), "ledger_canister_test.py"),
)
SUITE_TIMEOUT_S = 600
SOME_FAILED = 1


def run(bench: Bench) -> Mapping[str, Result]:
    """Run the tests and the examples, each in its folder, where it finds its canisters."""
    with installed():
        python = toolbox.python_venv("pocketic-py", REQUIREMENTS)
    with tarfile.open(bench.found) as archive:
        archive.extractall(bench.work, filter="data")
    environment = {**binary(bench.work), "POCKET_IC_MUTE_SERVER": "1"}
    return numbered(
        case
        for folder, file in PARTS
        for case in _part(python, bench.work / "pocketic-py" / folder, file, environment)
    )


def _part(
    python: Path, folder: Path, file: str, environment: Mapping[str, str]
) -> Iterator[tuple[str, Result]]:
    report = folder / "report.xml"
    printed = command(
        [python, "-m", "pytest", "-q", f"--junitxml={report}", file],
        folder=folder,
        timeout_s=SUITE_TIMEOUT_S,
        environment=environment,
        good=(0, SOME_FAILED),
    )
    if not report.exists():
        raise BrokenOffError(f"no report was written: {printed[-2000:]}")
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314 - the report of our own pytest
        bad = [found for found in case if found.tag in {"failure", "error"}]
        detail = "\n".join(found.text or "" for found in bad)
        yield f"{folder.name}: {case.get('name')}", Result(not bad, detail)


JUDGE = Judge("pocketic-py", "pocketic-py-*.tar.xz", run)
