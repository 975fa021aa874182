"""The examples of PocketIC's JavaScript client: whole projects with canisters, run by jest and vitest on our server.

Their canisters are built here: those in Motoko by the compiler of npm, those in Rust by cargo with their lock file.
The bindings come from the generator that the examples use, the client from npm. Nothing is changed in their sources and
tests but jest's settings, see `pic_js_suites`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from judge import Bench, Judge, Result, UnavailableError, command, numbered
from pic_js_suites import ARCHIVE, run_suite, unpacked, write_settings
from pocket_ic_server import binary
from tools import build_backend, installed, toolbox

BUILD_TIMEOUT_S = 1800
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


def run(bench: Bench) -> Mapping[str, Result]:
    """Build the canisters, then run every example."""
    suite, modules = unpacked(bench, "pic-js-examples")
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
    if example in JEST:
        settings = write_settings(folder / "tests", setup="<rootDir>", timeout_ms=120_000)
        name, words = "jest", ["--config", str(settings), "--json", f"--maxWorkers={jobs}"]
    else:
        name, words = "vitest", ["run", "-c", f"examples/{example}/tests/vitest.config.ts", "--reporter=json"]
    program: list[str | Path] = [modules / ".bin" / name, *words]
    report = folder / "report.json"
    yield from run_suite(program, name=example, report=report, folder=suite, environment=environment)


# --- canisters ------------------------------------------------------------------------------------------------


def _canisters(archive: Path, suite: Path, modules: Path) -> Path:
    """The folder of the built canisters, which are kept for the next run."""
    # Another list of canisters is another folder.
    count = len(MOTOKO) + len(RUST)
    folder = toolbox.cache_root() / f"{modules.parent.name}-{archive.name.removesuffix('.tar.xz')}-{count}"
    rust = _rust()
    with toolbox.made_once(folder) as making:
        if making:
            for name, (example, main) in MOTOKO.items():
                source, wasm = suite / "examples" / example, folder / f"{name}.wasm"
                compiler: list[str | Path] = ["node", "compile-example.mjs", source, main, wasm]
                command(compiler, folder=modules.parent, timeout_s=BUILD_TIMEOUT_S)
            _build_rust(rust, suite, folder)
    return folder


def _rust() -> build_backend.Toolchain:
    """The Rust that builds the backend too. Raises UnavailableError where there is none for WebAssembly."""
    with installed():
        toolbox.need("cargo")
    try:
        return build_backend.find_toolchain(rustup=False)
    except build_backend.BuildError as missing:
        raise UnavailableError(str(missing)) from None


def _build_rust(rust: build_backend.Toolchain, suite: Path, folder: Path) -> None:
    triple, target = build_backend.TARGET, toolbox.cache_root() / "wasm-target"
    words: list[str | Path] = ["--release", "--locked", "--target", triple, "--target-dir", target]
    packages = [word for name in RUST.values() for word in ("--package", name)]
    command(
        [rust.cargo, "build", *words, *rust.arguments, *packages],
        folder=suite,
        timeout_s=BUILD_TIMEOUT_S,
        environment={**rust.environment, "RUSTC": rust.rustc},
    )
    for example, name in RUST.items():
        built = target / triple / "release" / f"{name.replace('-', '_')}.wasm"
        shutil.copyfile(built, folder / f"{example}.wasm")


JUDGE = Judge("pic-js-examples", ARCHIVE, run)
