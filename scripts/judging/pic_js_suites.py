"""What the suites of PocketIC's JavaScript client have in common: how they are unpacked, run, and reported.

jest and vitest write the same report, a JSON file. jest reads its settings from a file of ours that says the same as
the suite's own in TypeScript, which would need a compiler besides.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from judge import Bench, BrokenOffError, Result, command
from tools import installed, toolbox

ARCHIVE = "pic-js-*.tar.xz"
_TIMEOUT_S = 600
_SOME_FAILED = 1
_SETTINGS = {"watch": False, "transform": {r"^.+\.(t|j)sx?$": "@swc/jest"}, "testEnvironment": "node"}


def unpacked(bench: Bench, packages: str) -> tuple[Path, Path]:
    """Unpack the client's sources; return their folder, and that of the npm packages, which is linked into it.

    `packages` names the folder of `tests/interop/node` that lists them. Raises UnavailableError without npm.
    """
    with installed():
        modules = toolbox.npm_folder(packages) / "node_modules"
    with tarfile.open(bench.found) as archive:
        archive.extractall(bench.work, filter="data")
    suite = bench.work / "pic-js"
    (suite / "node_modules").symlink_to(modules)
    return suite, modules


def write_settings(folder: Path, *, setup: str, timeout_ms: int) -> Path:
    """Put jest's settings into `folder` in place of those in TypeScript; return the file.

    `setup` is the folder with the suite's global setup and teardown, as jest names folders.
    """
    (folder / "jest.config.ts").unlink()
    path = folder / "jest.config.json"
    settings = {
        **_SETTINGS,
        "globalSetup": f"{setup}/global-setup.ts",
        "globalTeardown": f"{setup}/global-teardown.ts",
        "testTimeout": timeout_ms,
    }
    path.write_text(json.dumps(settings), encoding="utf-8")
    return path


def run_suite(
    words: Sequence[str | Path], *, name: str, report: Path, folder: Path, environment: Mapping[str, str]
) -> Iterator[tuple[str, Result]]:
    """Run jest or vitest, which writes to `report`, in `folder`; yield the cases that ran.

    Raises BrokenOffError without a report, and for a file of tests that could not be loaded.
    """
    printed = command(
        [*words, f"--outputFile={report}"],
        folder=folder,
        timeout_s=_TIMEOUT_S,
        environment=environment,
        good=(0, _SOME_FAILED),
    )
    if not report.exists():
        raise BrokenOffError(f"{name} wrote no report: {printed[-2000:]}")
    yield from _cases(json.loads(report.read_text(encoding="utf-8")))


def _cases(report: Mapping[str, Any]) -> Iterator[tuple[str, Result]]:
    for file in sorted(report["testResults"], key=lambda file: file["name"]):
        name = Path(file["name"]).name.removesuffix(".spec.ts")
        if file["status"] == "failed" and not file["assertionResults"]:
            raise BrokenOffError(f"{name} could not be loaded: {file.get('message')}")
        for case in file["assertionResults"]:
            if case["status"] in {"passed", "failed"}:
                detail = "\n".join(case.get("failureMessages") or [])
                yield f"{name}: {case['fullName']}", Result(case["status"] == "passed", detail)
