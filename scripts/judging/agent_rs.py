"""DFINITY's Rust agent: its `ref-tests` and `ic-utils-bindgen-tests`, run by cargo.

Its tests start a PocketIC server for each case; `pocket-ic/` beside this file takes the place of that crate and puts
the replica back to its first snapshot instead, so that cases run one at a time.

The sources are unpacked once into the cache of the interop tests, with a target folder of their own beside them: the
tests are compiled with the path of their sources in them, which cargo does not notice when it changes. The canisters
that the suite downloads are taken from the judges' folder: the universal canister of ic-ref-test, and
`cycles-wallet.wasm` if it is there.
"""

from __future__ import annotations

import gzip
import json
import re
import tarfile
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from judge import Bench, BrokenOffError, Judge, Result, command, numbered
from tools import ROOT, installed, toolbox

SHIM = ROOT / "scripts" / "judging" / "pocket-ic"
PACKAGES = ("ref-tests", "ic-utils-bindgen-tests")
BUILD_TIMEOUT_S = 1800
SUITE_TIMEOUT_S = 600
SOME_FAILED = 101
EMPTY_MODULE = b"\0asm\1\0\0\0"
_OUTCOME = re.compile(r"^test (\S+) \.\.\. (ok|FAILED)$", re.MULTILINE)
_FAILURE = re.compile(r"^---- (\S+) stdout ----\n(.*?)(?=^---- |^failures:$)", re.MULTILINE | re.DOTALL)


def run(bench: Bench) -> Mapping[str, Result]:
    """Build the tests, then run them all, one after the other."""
    with installed():
        toolbox.need("cargo")
    sources = _unpacked(bench.found)
    _provide_assets(sources / "ref-tests" / "assets", bench.found.parent)
    cargo = _cargo(sources)
    environment = {"CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_INCREMENTAL": "0"}
    command([*cargo, "--no-run"], folder=sources, timeout_s=BUILD_TIMEOUT_S, environment=environment)
    printed = command(
        [*cargo, "--no-fail-fast", "--", "--test-threads=1"],
        folder=sources,
        timeout_s=SUITE_TIMEOUT_S,
        environment={
            **environment,
            "IC_HARNESS_JUDGED_URL": bench.url,
            "IC_HARNESS_JUDGED_SNAPSHOT": str(_snapshot(bench.url)),
        },
        good=(0, SOME_FAILED),
    )
    return read(printed)


def _unpacked(archive: Path) -> Path:
    """The folder of the sources, without the file that would make rustup fetch another compiler."""
    folder = toolbox.cache_root() / archive.name.removesuffix(".tar.xz")
    with toolbox.made_once(folder) as making, tarfile.open(archive) as packed:
        if making:
            wanted = [member for member in packed if Path(member.name).name != "rust-toolchain.toml"]
            packed.extractall(folder, wanted, filter="data")
    return folder / "agent-rs"


def _provide_assets(folder: Path, shelf: Path) -> None:
    """Put the canisters where the tests look for them; they must be newer than the script that downloads them."""
    folder.mkdir(exist_ok=True)
    with tarfile.open(shelf / "ic-ref-test" / "test-data.tar.xz") as packed:
        universal = packed.extractfile("test-data/universal-canister.wasm")
        assert universal is not None
        (folder / "universal-canister.wasm.gz").write_bytes(gzip.compress(universal.read(), mtime=0))
    wallet = shelf / "cycles-wallet.wasm"
    (folder / "cycles-wallet.wasm").write_bytes(wallet.read_bytes() if wallet.exists() else EMPTY_MODULE)
    (folder / "pocket-ic").touch()
    folder.touch()


def _cargo(sources: Path) -> list[str | Path]:
    replaced = f'patch."https://github.com/dfinity/ic".pocket-ic.path={json.dumps(str(SHIM))}'
    chosen = [word for package in PACKAGES for word in ("--package", package)]
    target = sources.parent / "target"
    manifest = sources / "Cargo.toml"
    return [
        "cargo", "test", "--manifest-path", manifest, "--target-dir", target,
        "--config", replaced, *chosen, "--tests",
    ]  # fmt: skip


def _snapshot(url: str) -> int:
    request = urllib.request.Request(f"{url}/_/snapshots", method="POST")  # noqa: S310 - our own replica
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
        number: int = json.load(answer)["snapshot"]
        return number


def read(printed: str) -> dict[str, Result]:
    """The results in what cargo printed; cases that the suite ignores are left out."""
    if "test result:" not in printed:
        raise BrokenOffError(f"no test ran: {printed[-2000:]}")
    return numbered(_cases(printed))


def _cases(printed: str) -> Iterator[tuple[str, Result]]:
    details = dict(
        re.findall(r"^---- (\S+) stdout ----\n(.*?)(?=^---- |^failures:$)", printed, re.MULTILINE | re.DOTALL)
    )
    for name, outcome in re.findall(r"^test (\S+) \.\.\. (ok|FAILED)$", printed, re.MULTILINE):
        yield name, Result(outcome == "ok", details.get(name, ""))


JUDGE = Judge("agent-rs", "agent-rs-*.tar.xz", run)
