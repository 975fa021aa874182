"""Builds fixtures/canisters from its sources.

`python -m tests.interop.build_canisters [azle] [motoko] [ledgers] [rust] [generations] [stand-ins]`, from the root of
the project; `--check stand-ins` compiles those of the package and compares instead of writing.
Rust canisters need Debian's rustc-web, cargo-web, rust-web-src and lld: the standard library is built from
its source, so no other toolchain has to be fetched.

The Wasm is committed (gzip, time stamp zero) so that tests which only need a canister need no compiler; the
tests here compile again and compare digests.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from . import toolbox

ROOT = Path(__file__).resolve().parents[2]
CANISTERS = ROOT / "fixtures" / "canisters"
SOURCES = CANISTERS / "src"
_ENHANCED = (
    "bank",
    "bank_faulty",
    "caller",
    "counter",
    "counter_incompatible",
    "counter_v2",
    "notes",
    "notes_faulty",
    "shop",
    "signer",
    "timers",
    "vault",
    "wallet",
)
_CLASSICAL = ("caller", "counter", "counter_v2", "timers")
# compiler folder, which is also the fixture folder: Motoko after and before enhanced orthogonal persistence
MOTOKO = {"motoko": _ENHANCED, "motoko-classical": _CLASSICAL}
RUST = ("assets", "lines", "rust", "signer")
# one crate, one feature a canister; the interfaces that they show are the package's
GENERATIONS = ("a", "b", "c", "h")
INTERFACES = ROOT / "src" / "ic_capsule" / "backend" / "interfaces"
# Motoko by the first compiler: a token ledger, and the same with one fault each, as patches
LEDGERS = SOURCES / "ledgers"
HEALTHY = "ledger"
FAULTY = ("allowance-keeps-the-fee", "burns-keep-the-supply", "duplicates-forgotten-at-upgrade")
# Motoko by the first compiler, for the package: what takes the place of ICP's own canisters
STAND_INS = ("ledger", "cycles_ledger", "cycles_minting")
STAND_IN_SOURCES = SOURCES / "stand-ins"
PACKAGED = ROOT / "src" / "ic_harness" / "networks" / "system_canisters" / "stand_ins"
_WASM_TARGET = "wasm32-unknown-unknown"


def compile_motoko(compiler: str, name: str) -> tuple[bytes, str]:
    """The Wasm and the Candid text of the Motoko fixture `name` by the compiler in `node/<compiler>`."""
    return _compiled(compiler, SOURCES / "motoko" / f"{name}.mo")


def compile_stand_in(name: str) -> tuple[bytes, str]:
    """The Wasm and the Candid text of the stand-in `name` for one of ICP's own canisters."""
    libraries = sorted(STAND_IN_SOURCES.glob("*.mo"))
    wasm, did = _compiled("motoko", STAND_IN_SOURCES / f"{name}.mo", *libraries)
    if name != "cycles_minting":
        return wasm, did
    # Motoko has no function that mints cycles: the import of the one that burns, which has the same type, is renamed.
    assert wasm.count(b"\x0ecycles_burn128") == 1
    return wasm.replace(b"\x0ecycles_burn128", b"\x0emint_cycles128"), did


def _compiled(compiler: str, source: Path, *libraries: Path) -> tuple[bytes, str]:
    folder = toolbox.npm_folder(compiler)
    with tempfile.TemporaryDirectory() as scratch:
        wasm, did = Path(scratch) / "out.wasm", Path(scratch) / "out.did"
        toolbox.run(["node", "compile.mjs", source, wasm, did, *libraries], cwd=folder)
        return wasm.read_bytes(), did.read_text(encoding="utf-8")


def compile_ledger(name: str) -> tuple[bytes, str]:
    """The Wasm and the Candid text of the ledger, or of the one with the fault `name`."""
    if name == HEALTHY:
        return _compiled("motoko", LEDGERS / "ledger.mo")
    changed = _patches().patched(LEDGERS, ledger_patch(name))
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "ledger.mo"
        source.write_text(changed["ledger.mo"], encoding="utf-8")
        return _compiled("motoko", source)


def ledger_patch(name: str) -> Any:
    """The fault `name`: `text` says what is wrong, `breaks` has the ids of the guarantees that it breaks."""
    return _patches().read_patch(LEDGERS / f"{name}.patch")


@functools.cache
def _patches() -> ModuleType:
    """scripts/mutants.py, which reads and applies patches."""
    spec = importlib.util.spec_from_file_location("ic_harness_mutants", ROOT / "scripts" / "mutants.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compile_azle() -> tuple[bytes, str]:
    """The Wasm and the Candid text of `src/azle/counter.ts` by Azle, which needs only node here."""
    packages = toolbox.npm_folder("azle")
    project = packages / "project"
    project.mkdir(exist_ok=True)
    for source in (SOURCES / "azle" / "counter.ts", packages / "dfx.json", packages / "tsconfig.json"):
        shutil.copy2(source, project)
    built = project / ".azle" / "counter"
    # a relative root, since the module remembers the path of its script
    where: dict[str, Any] = {
        "AZLE_DFX_ROOT": "../project",
        "CANISTER_CANDID_PATH": str(built / "counter.did"),
    }
    toolbox.run(["npx", "--no-install", "azle", "build", "counter"], cwd=project, **where)
    return (built / "counter.wasm").read_bytes(), (built / "counter.did").read_text(encoding="utf-8")


def compile_rust(name: str, feature: str = "") -> bytes:
    """The Wasm of the crate `src/<name>` by Debian's compiler, without a path of the machine in it."""
    project, target = SOURCES / name, toolbox.cache_root() / "wasm-target"
    command = ["/usr/bin/cargo", "build", "--release", "--locked", "--jobs", "1", "--target", _WASM_TARGET]
    command += ["-Zbuild-std=std,panic_abort", "--target-dir", str(target), "--features", feature]
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    crates = [
        f"--remap-path-prefix={registry}=/crates" for registry in sorted((home / "registry/src").glob("*"))
    ]
    flags = " ".join([*crates, f"--remap-path-prefix={project}=/{name}", "-Clinker=wasm-ld"])
    own = {"RUSTC": "/usr/bin/rustc", "RUSTC_BOOTSTRAP": "1", "RUSTFLAGS": flags}
    subprocess.run(command, cwd=project, env={**os.environ, **own}, check=True)
    return (target / _WASM_TARGET / "release" / f"{name}_fixture.wasm").read_bytes()


def write(folder: str, name: str, wasm: bytes, did: str) -> None:
    """Put one canister into the fixtures."""
    target = CANISTERS / folder
    target.mkdir(parents=True, exist_ok=True)
    (target / f"{name}.wasm.gz").write_bytes(gzip.compress(wasm, mtime=0))
    if did:
        (target / f"{name}.did").write_text(did, encoding="utf-8")
    sys.stdout.write(f"{folder}/{name}: {len(wasm)} bytes\n")


def build_motoko() -> None:
    """Compile every Motoko fixture with every compiler that it is meant for."""
    for compiler, names in MOTOKO.items():
        for name in names:
            write(compiler, name, *compile_motoko(compiler, name))


def build_ledgers() -> None:
    """Compile the ledger and its faulty twins."""
    for name in (HEALTHY, *FAULTY):
        write("ledgers", name, *compile_ledger(name))


def build_stand_ins() -> None:
    """Compile the stand-ins for ICP's own canisters into the package."""
    PACKAGED.mkdir(exist_ok=True)
    for name in STAND_INS:
        wasm, did = compile_stand_in(name)
        (PACKAGED / f"{name}.wasm.gz").write_bytes(gzip.compress(wasm, mtime=0))
        (PACKAGED / f"{name}.did").write_text(did, encoding="utf-8")
        sys.stdout.write(f"stand-ins/{name}: {len(wasm)} bytes\n")


def check_stand_ins() -> bool:
    """Whether the package has the stand-ins that these sources make; prints which differ."""
    stale = [name for name in STAND_INS if packaged(name) != compile_stand_in(name)]
    for name in stale:
        sys.stdout.write(f"stand-ins/{name}: is not what its sources make\n")
    return not stale


def packaged(name: str) -> tuple[bytes, str]:
    """The Wasm and the Candid text of a stand-in in the package."""
    wasm = gzip.decompress((PACKAGED / f"{name}.wasm.gz").read_bytes())
    return wasm, (PACKAGED / f"{name}.did").read_text(encoding="utf-8")


def build_azle() -> None:
    """Compile the Azle fixture."""
    write("azle", "counter", *compile_azle())


def build_rust() -> None:
    """Compile every Rust fixture; an interface that its crate states in `service.did` goes with it."""
    for name in RUST:
        did = SOURCES / name / "service.did"
        write("rust", name, compile_rust(name), did.read_text(encoding="utf-8") if did.exists() else "")


def build_generations() -> None:
    """Compile the stand-in of each generation of the capsule backend."""
    for letter in GENERATIONS:
        write("generations", letter, compile_rust("generations", letter), "")


def write_digests() -> None:
    """Note the digest of every unpacked module in SHA256SUMS."""
    (CANISTERS / "SHA256SUMS").write_text(digests(), encoding="utf-8")


def digests() -> str:
    """One line a module, and one a source that takes minutes to build, as `sha256sum` writes them."""
    modules = sorted(CANISTERS.glob("*/*.wasm.gz"))
    rows = [
        (gzip.decompress(path.read_bytes()), path.relative_to(CANISTERS).with_suffix("")) for path in modules
    ]
    slow = [(SOURCES / name, Path("src") / name) for name in ("azle", "ledgers", *RUST)]
    rows += [(_tree(folder), label) for folder, label in slow]
    generations = _tree(SOURCES / "generations") + _tree(INTERFACES)
    rows += [(generations, Path("src") / "generations")]
    return "".join(f"{hashlib.sha256(content).hexdigest()}  {label.as_posix()}\n" for content, label in rows)


def _tree(folder: Path) -> bytes:
    """The names and contents of the files of a source folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and "target" not in path.parts]
    return b"".join(
        path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() for path in files
    )


if __name__ == "__main__":
    steps = {
        "azle": build_azle,
        "motoko": build_motoko,
        "ledgers": build_ledgers,
        "rust": build_rust,
        "generations": build_generations,
        "stand-ins": build_stand_ins,
    }
    if sys.argv[1:] == ["--check", "stand-ins"]:
        sys.exit(0 if check_stand_ins() else 1)
    for step in sys.argv[1:] or steps:
        steps[step]()
    write_digests()
