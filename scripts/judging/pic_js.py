"""PocketIC's JavaScript client: the tests of `packages/pic`, run by jest on our server of its interface.

The suite's setup starts the program beside the package's sources, so the program is put there too. The examples are
run by `pic_js_examples`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from judge import Bench, Judge, Result, numbered
from pic_js_suites import ARCHIVE, run_suite, unpacked, write_settings
from pocket_ic_server import binary


def run(bench: Bench) -> Mapping[str, Result]:
    """Run every case of `packages/pic/tests`."""
    suite, modules = unpacked(bench, "pic-js")
    environment = binary(bench.work)
    package = suite / "packages" / "pic"
    shutil.copy2(environment["POCKET_IC_BIN"], package / "pocket-ic")
    settings = write_settings(package, setup="<rootDir>/tests", timeout_ms=60_000)
    jest: list[str | Path] = [modules / ".bin" / "jest"]
    jest += ["--config", settings.name, "--json", f"--maxWorkers={bench.jobs}"]
    report = bench.work / "report.json"
    return numbered(run_suite(jest, name="jest", report=report, folder=package, environment=environment))


JUDGE = Judge("pic-js", ARCHIVE, run)
