"""PocketIC's JavaScript client: the tests of `packages/pic`, run by jest on our server of its interface.

The suite's setup starts the program beside the package's sources, so the program is put there too. jest reads its
settings from a file of ours that says the same as the suite's own in TypeScript, which would need a compiler besides.
The examples are run by `pic_js_examples`.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from judge import Bench, BrokenOffError, Judge, Result, command, numbered
from pocket_ic_server import binary
from tools import installed, toolbox

SUITE_TIMEOUT_S = 600
SOME_FAILED = 1
CONFIGURATION = {
    "transform": {r"^.+\.(t|j)sx?$": "@swc/jest"},
    "watch": False,
    "testEnvironment": "node",
    "globalSetup": "<rootDir>/tests/global-setup.ts",
    "globalTeardown": "<rootDir>/tests/global-teardown.ts",
    "testTimeout": 60_000,
}


def run(bench: Bench) -> Mapping[str, Result]:
    """Run every case of `packages/pic/tests`."""
    with installed():
        modules = toolbox.npm_folder("pic-js") / "node_modules"
    with tarfile.open(bench.found) as archive:
        archive.extractall(bench.work, filter="data")
    suite = bench.work / "pic-js"
    (suite / "node_modules").symlink_to(modules)
    environment = binary(bench.work)
    package = suite / "packages" / "pic"
    shutil.copy2(environment["POCKET_IC_BIN"], package / "pocket-ic")
    (package / "jest.config.ts").unlink()
    (package / "jest.config.json").write_text(json.dumps(CONFIGURATION), encoding="utf-8")
    report = bench.work / "report.json"
    printed = command(
        [modules / ".bin" / "jest", "--config", "jest.config.json", "--json", f"--outputFile={report}",
         f"--maxWorkers={bench.jobs}"],
        folder=package,
        timeout_s=SUITE_TIMEOUT_S,
        environment=environment,
        good=(0, SOME_FAILED),
    )  # fmt: skip
    if not report.exists():
        raise BrokenOffError(f"no report was written: {printed[-2000:]}")
    return numbered(_cases(json.loads(report.read_text(encoding="utf-8"))))


def _cases(report: Mapping[str, Any]) -> Iterator[tuple[str, Result]]:
    for file in sorted(report["testResults"], key=lambda file: file["name"]):
        name = Path(file["name"]).name.removesuffix(".spec.ts")
        if file["status"] == "failed" and not file["assertionResults"]:
            raise BrokenOffError(f"{name} could not be loaded: {file.get('message')}")
        for case in file["assertionResults"]:
            if case["status"] in {"passed", "failed"}:
                detail = "\n".join(case.get("failureMessages") or [])
                yield f"{name}: {case['fullName']}", Result(case["status"] == "passed", detail)


JUDGE = Judge("pic-js", "pic-js-*.tar.xz", run)
