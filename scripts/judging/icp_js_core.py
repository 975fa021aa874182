"""DFINITY's JavaScript agent: the end-to-end tests of `e2e/node`, run by vitest with the published package.

The suite's own setup starts PocketIC unless a file `.env` names a gateway that answers and the canisters on it; we
write that file. Cases that need mainnet fail here with or without a connection (`loopback.mjs`).
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from judge import Bench, BrokenOffError, Judge, Result, command, numbered
from tools import installed, toolbox

from ic_harness import networks

CANISTERS = {
    "COUNTER": "counter",
    "COUNTER2": "counter",
    "COUNTER3": "counter",
    "WHOAMI": "whoami",
    "TRAP": "trap",
}
LEFT_OUT = "lots of query certificates"
"""Twenty repetitions of a case that needs mainnet: 80 s of an agent's retries for a failure that is known."""
SUITE_TIMEOUT_S = 600
SOME_FAILED = 1


def run(bench: Bench) -> Mapping[str, Result]:
    """Run every case but the repetitions."""
    with installed():
        modules = toolbox.npm_folder("icp-js-core") / "node_modules"
    suite = _unpack(bench)
    (suite / "node_modules").symlink_to(modules)
    (suite / ".env").write_text(_environment(bench.url, suite / "canisters"), encoding="utf-8")
    report = bench.work / "report.json"
    printed = command(
        [
            modules / ".bin" / "vitest", "run", "--typecheck.enabled=false", "--reporter=json",
            f"--outputFile={report}", f"--testNamePattern=^(?!.*{LEFT_OUT})",
        ],
        folder=suite,
        timeout_s=SUITE_TIMEOUT_S,
        environment={"NODE_OPTIONS": f"--import {Path(__file__).with_name('loopback.mjs')}"},
        good=(0, SOME_FAILED),
    )  # fmt: skip
    if not report.exists():
        raise BrokenOffError(f"no report was written: {printed[-2000:]}")
    return read(json.loads(report.read_text(encoding="utf-8")))


def _unpack(bench: Bench) -> Path:
    with tarfile.open(bench.found) as archive:
        archive.extractall(bench.work, filter="data")
    return bench.work / "icp-js-core" / "e2e" / "node"


def _environment(url: str, folder: Path) -> str:
    """Deploy the suite's canisters; the lines of `.env`."""
    lines = [f"GATEWAY_PORT={urlsplit(url).port}"]
    with networks.connect(url) as network:
        for name, file in CANISTERS.items():
            canister = network.deploy((folder / f"{file}.wasm").read_bytes())
            lines.append(f"CANISTER_ID_{name}={canister}")
    return "\n".join([*lines, ""])


def read(report: Mapping[str, Any]) -> dict[str, Result]:
    """The results in vitest's report: `file: names of the suites and the case`."""
    return numbered(_cases(report))


def _cases(report: Mapping[str, Any]) -> Iterator[tuple[str, Result]]:
    for file in sorted(report["testResults"], key=lambda file: file["name"]):
        name = Path(file["name"]).name.removesuffix(".test.ts")
        if file["status"] == "failed" and not file["assertionResults"]:
            raise BrokenOffError(f"{name} could not be loaded: {file.get('message')}")
        for case in file["assertionResults"]:
            if case["status"] in {"passed", "failed"}:
                details = "\n".join(case.get("failureMessages") or [])
                yield f"{name}: {case['fullName']}", Result(case["status"] == "passed", details)


JUDGE = Judge("icp-js-core", "icp-js-core-*.tar.xz", run)
