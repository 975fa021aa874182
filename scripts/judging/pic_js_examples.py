"""The examples of PocketIC's JavaScript client: whole projects with canisters, run by jest and vitest on our server.

Their canisters are built here: those in Motoko by the compiler of npm, those in Rust by cargo with their lock file.
The bindings come from the generator that the examples use, the client from npm. Nothing is changed in their sources and
tests; jest reads its settings from a file of ours, as for the suite of the package itself.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from judge import Bench, BrokenOffError, Judge, Result, UnavailableError, command, numbered
from pocket_ic_server import binary
from tools import installed, toolbox

BUILD_TIMEOUT_S = 1800
SUITE_TIMEOUT_S = 600
SOME_FAILED = 1
TARGET = "wasm32-unknown-unknown"
MOTOKO = {
    "clock": ("clock", "src/main.mo"),
    "counter": ("counter", "src/main.mo"),
    "google_search": ("google_search", "src/main.mo"),
    "multicanister": ("multicanister", "src/main.mo"),
    "phonebook": ("multicanister", "phonebook/phonebook.mo"),
    "superheroes": ("multicanister", "superheroes/superheroes.mo"),
}
"""Canisters in Motoko: the folder of the example, and the file of the actor in it."""
RUST = {"http": "http-canister", "icp_features": "icp_features", "todo": "todo"}
"""Canisters in Rust: the folder of the example, and the name of its package."""
JEST = ("clock", "google_search", "icp_features", "multicanister", "nns_proxy", "todo")
VITEST = ("counter", "http")
CONFIGURATION = {
    "watch": False,
    "transform": {r"^.+\.(t|j)sx?$": "@swc/jest"},
    "testEnvironment": "node",
    "globalSetup": "<rootDir>/global-setup.ts",
    "globalTeardown": "<rootDir>/global-teardown.ts",
    "testTimeout": 120_000,
}


def run(bench: Bench) -> Mapping[str, Result]:
    """Build the canisters, then run every example."""
    with installed():
        modules = toolbox.npm_folder("pic-js-examples") / "node_modules"
    with tarfile.open(bench.found) as archive:
        archive.extractall(bench.work, filter="data")
    suite = bench.work / "pic-js"
    (suite / "node_modules").symlink_to(modules)
    artifacts = suite / ".icp" / "cache" / "artifacts"
    artifacts.mkdir(parents=True)
    for wasm in _canisters(bench.found, suite, modules).glob("*.wasm"):
        shutil.copyfile(wasm, artifacts / wasm.stem)
    environment = binary(bench.work)
    return numbered(
        case
        for example in sorted((*JEST, *VITEST))
        for case in _example(suite, modules, example, bench.jobs, environment)
    )


def _example(
    suite: Path, modules: Path, example: str, jobs: int, environment: Mapping[str, str]
) -> Iterator[tuple[str, Result]]:
    folder = suite / "examples" / example
    bindgen: list[str | Path] = [modules / ".bin" / "icp-bindgen", "--did-file", folder / f"{example}.did"]
    command([*bindgen, "--out-dir", folder, "--actor-disabled", "--force"], folder=suite, timeout_s=60)
    report = folder / "report.json"
    program: list[str | Path] = []
    if example in JEST:
        (folder / "tests" / "jest.config.ts").unlink()
        (folder / "tests" / "jest.config.json").write_text(json.dumps(CONFIGURATION), encoding="utf-8")
        program += ["jest", "--config", folder / "tests" / "jest.config.json", "--json",
                    f"--outputFile={report}", f"--maxWorkers={jobs}"]  # fmt: skip
    else:
        program += ["vitest", "run", "-c", f"examples/{example}/tests/vitest.config.ts",
                    "--reporter=json", f"--outputFile={report}"]  # fmt: skip
    program[0] = modules / ".bin" / str(program[0])
    printed = command(
        program, folder=suite, timeout_s=SUITE_TIMEOUT_S, environment=environment, good=(0, SOME_FAILED)
    )
    if not report.exists():
        raise BrokenOffError(f"{example} wrote no report: {printed[-2000:]}")
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


# --- canisters ------------------------------------------------------------------------------------------------


def _canisters(archive: Path, suite: Path, modules: Path) -> Path:
    """The folder of the built canisters, which are kept for the next run."""
    # Another list of canisters is another folder.
    count = len(MOTOKO) + len(RUST)
    folder = toolbox.cache_root() / f"{modules.parent.name}-{archive.name.removesuffix('.tar.xz')}-{count}"
    cargo, environment = _cargo()
    with toolbox.made_once(folder) as making:
        if making:
            for name, (example, main) in MOTOKO.items():
                source, wasm = suite / "examples" / example, folder / f"{name}.wasm"
                compiler: list[str | Path] = ["node", "compile-example.mjs", source, main, wasm]
                command(compiler, folder=modules.parent, timeout_s=BUILD_TIMEOUT_S)
            packages = [word for name in RUST.values() for word in ("--package", name)]
            target = toolbox.cache_root() / "wasm-target"
            command(
                [
                    *cargo,
                    "build",
                    "--release",
                    "--locked",
                    "--target",
                    TARGET,
                    "--target-dir",
                    target,
                    *packages,
                ],
                folder=suite,
                timeout_s=BUILD_TIMEOUT_S,
                environment=environment,
            )
            for example, name in RUST.items():
                built = target / TARGET / "release" / f"{name.replace('-', '_')}.wasm"
                shutil.copyfile(built, folder / f"{example}.wasm")
    return folder


def _cargo() -> tuple[list[str], dict[str, str]]:
    """The cargo that can build WebAssembly: rustup's with the target, or Debian's with the source of `std`.

    Raises UnavailableError where there is neither.
    """
    with installed():
        toolbox.need("cargo")
    shown = subprocess.run(
        ["rustc", "--print", "target-libdir", "--target", TARGET], capture_output=True, text=True, check=False
    )
    if shown.returncode == 0 and Path(shown.stdout.strip()).is_dir():
        return ["cargo"], {}
    if not (Path("/usr/bin/cargo").exists() and Path("/usr/lib/rustlib/src/rust/library").is_dir()):
        raise UnavailableError(f"the target {TARGET} of rustc is not installed")
    own = {"RUSTC": "/usr/bin/rustc", "RUSTC_BOOTSTRAP": "1", "RUSTFLAGS": "-Clinker=wasm-ld"}
    own["CARGO_UNSTABLE_BUILD_STD"] = "std,panic_abort"
    return ["/usr/bin/cargo"], {**own, "CARGO_BUILD_JOBS": str(os.cpu_count() or 1)}


JUDGE = Judge("pic-js-examples", "pic-js-*.tar.xz", run)
