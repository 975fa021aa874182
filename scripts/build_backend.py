"""Builds `src/backend` into `fixtures/backend.wasm.gz`, and checks that this file comes from the sources.

With ``--mutants`` it is `fixtures/mutants.wasm.gz` instead: all faulty backends in one module, see `mutants.py`. With
``--patched NAME FOLDER`` nothing is built: a copy of the crate with that one fault is written, to look at and to test.

The Wasm carries three custom sections besides the code and the names of its functions:

- ``icp:public candid:service``: `candid/backend.did`, so that clients can read the interface from the canister;
- ``icp:public source_sha256``: the digest of the sources (see `Product.digest`), in hexadecimal;
- ``icp:public toolchain``: which compiler made it; the bytes are only comparable between equal ones.

Rust comes from where there is one for Wasm: an installed target of the Rust in PATH; else Debian's packages, which
have no such target but its sources, so that the standard library is built along; else, and only when asked by
``--rustup``, a download.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mutants import FOLDER, PatchError, merged, patched, read_patch, read_patches
from wasm_sections import custom_section, sections, with_short_names

ROOT = Path(__file__).resolve().parent.parent
CRATE = ROOT / "src" / "backend"
CANDID = ROOT / "candid" / "backend.did"
TARGET = "wasm32-unknown-unknown"
DEBIAN_SOURCES = Path("/usr/lib/rustlib/src/rust/library")
INSTALL = "install Debian's rustc-web, cargo-web, rust-web-src and lld, or use --rustup where there is rustup"
OPTIMIZER = "wasm-opt"
# What the compiler's own output uses; wasm-opt knows no more than it is told.
FEATURES = (
    "bulk-memory", "multivalue", "mutable-globals", "nontrapping-float-to-int", "reference-types", "sign-ext", "simd",
)  # fmt: skip


@dataclass(frozen=True)
class Product:
    """What is built: where it is put, whether from all mutants or the crate as it stands, by which command."""

    path: Path
    has_faults: bool
    command: str

    @property
    def name(self) -> str:
        """The path within the repository."""
        return self.path.relative_to(ROOT).as_posix()

    def crate(self) -> Path:
        """Return the folder of the sources, which for mutants is a copy."""
        return copied(COPY, merged(CRATE, read_patches())) if self.has_faults else CRATE

    def digest(self) -> str:
        """Return the SHA-256 over the sources: of each file in order its name, length as eight bytes, and content.

        The sources are Cargo.toml, Cargo.lock and src/ of the crate and of the one in it, and candid/backend.did; names
        are relative to the repository. Those of mutants are the merged ones, for which every patch must apply.
        """
        prefix = CRATE.relative_to(ROOT).as_posix()
        contents = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in (CANDID, *crate_files())}
        if self.has_faults:
            changed = merged(CRATE, read_patches())
            contents |= {f"{prefix}/{name}": content.encode() for name, content in changed.items()}
        digest = hashlib.sha256()
        for name, content in sorted(contents.items()):
            digest.update(name.encode() + b"\0" + len(content).to_bytes(8, "big") + content)
        return digest.hexdigest()


BACKEND = Product(ROOT / "fixtures" / "backend.wasm.gz", has_faults=False, command="scripts/build-backend")
MUTANTS = Product(
    ROOT / "fixtures" / "mutants.wasm.gz", has_faults=True, command="scripts/build-backend --mutants"
)
# Within the crate's folder, so that the same flags keep both folders out of the Wasm and dependencies are built once.
COPY = CRATE / "target" / "mutants"


class BuildError(Exception):
    """The build or the check failed; the text is one sentence for the person at the terminal."""


@dataclass(frozen=True)
class Toolchain:
    """A Rust that can make Wasm: its programs, and what it needs besides."""

    cargo: str
    rustc: str
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The names of compiler and optimizer for themselves."""
        return f"{output(self.rustc, '--version')}; {output(OPTIMIZER, '--version')}"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0 when the Wasm is built or the check holds."""
    options = parse(arguments)
    product = MUTANTS if options.mutants else BACKEND
    try:
        if options.patched:
            write_patched(*options.patched)
        elif options.digest_only:
            check_digest(product)
        elif options.check:
            check_bytes(find_toolchain(rustup=options.rustup), product)
        else:
            write(find_toolchain(rustup=options.rustup), product)
    except (BuildError, PatchError) as error:
        print(f"build-backend: {error}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="build-backend", description="Build fixtures/backend.wasm.gz from src/backend."
    )
    parser.add_argument(
        "--mutants", action="store_true", help="the faulty backends, fixtures/mutants.wasm.gz, instead"
    )
    parser.add_argument(
        "--patched",
        nargs=2,
        metavar=("NAME", "FOLDER"),
        help="write the crate with one fault into a new folder",
    )
    parser.add_argument("--check", action="store_true", help="build anew and compare with the committed file")
    parser.add_argument(
        "--digest-only", action="store_true", help="only compare the digest of the sources; needs no Rust"
    )
    parser.add_argument(
        "--rustup", action="store_true", help="download the Wasm target by rustup when it is missing"
    )
    return parser.parse_args(arguments)


def write(toolchain: Toolchain, product: Product) -> None:
    """Build the Wasm and put it into fixtures/."""
    wasm = build(toolchain, product)
    product.path.write_bytes(compress(wasm))
    print(
        f"{product.name}: {len(wasm):,} bytes, {product.path.stat().st_size:,} compressed, by {toolchain.version}"
    )


def write_patched(name: str, folder: str) -> None:
    """Write a copy of the crate with one fault into a folder that is new."""
    path, into = FOLDER / f"{name}.patch", Path(folder)
    if not path.exists():
        raise BuildError(f"there is no mutant {name!r} in {FOLDER.relative_to(ROOT).as_posix()}")
    if into.exists():
        raise BuildError(f"{into} exists already")
    patch = read_patch(path)
    copied(into, patched(CRATE, patch))
    print(f"{into}: {patch.text} cargo test must fail there if it finds the fault.")


def copied(into: Path, changed: Mapping[str, str]) -> Path:
    """Write the crate into a folder, which is emptied before, with these files in place of its own.

    Of its tests all but the one that compares with `candid/`, which no copy finds.
    """
    shutil.rmtree(into, ignore_errors=True)
    contents = {
        path.relative_to(CRATE).as_posix(): path.read_text(encoding="utf-8") for path in crate_files()
    }
    contents |= {
        f"tests/{path.name}": path.read_text(encoding="utf-8")
        for path in (CRATE / "tests").glob("*.rs")
        if path.name != "candid.rs"
    }
    for name, content in {**contents, **changed}.items():
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return into


def crate_files() -> list[Path]:
    """Return the sources of the crate and of the one in it."""
    hashing = CRATE / "sha256"
    files = [CRATE / "Cargo.toml", CRATE / "Cargo.lock", *(CRATE / "src").rglob("*.rs")]
    return [*files, hashing / "Cargo.toml", *(hashing / "src").rglob("*.rs")]


def check_digest(product: Product) -> None:
    """Fail unless the committed Wasm was made from the sources that are here."""
    recorded = sections(committed(product)).get("icp:public source_sha256", b"").decode()
    if recorded != product.digest():
        raise BuildError(
            f"{product.name} was not built from these sources: run {product.command} and commit it"
        )
    print(f"{product.name} comes from these sources ({recorded[:12]})")


def check_bytes(toolchain: Toolchain, product: Product) -> None:
    """Fail unless building anew gives the committed Wasm; another compiler only has to succeed."""
    check_digest(product)
    made_by = sections(committed(product)).get("icp:public toolchain", b"").decode()
    wasm = build(toolchain, product)
    if made_by != toolchain.version:
        print(
            f"built by {toolchain.version}; the committed file by {made_by}, so their bytes are not compared"
        )
    elif wasm != committed(product):
        raise BuildError(
            f"{product.name} has other bytes than a new build: run {product.command} and commit it"
        )
    else:
        print("a new build gives the same bytes")


def committed(product: Product) -> bytes:
    """Return the committed Wasm, unpacked."""
    if not product.path.exists():
        raise BuildError(f"{product.name} is missing: run {product.command}")
    return gzip.decompress(product.path.read_bytes())


def build(toolchain: Toolchain, product: Product) -> bytes:
    """Compile the crate and add the custom sections."""
    folder = CRATE / "target" / "wasm"
    digest = product.digest()
    command = [
        toolchain.cargo,
        "build",
        "--locked",
        "--release",
        "--lib",
        f"--target={TARGET}",
        *toolchain.arguments,
    ]
    environment = (
        os.environ
        | toolchain.environment
        | {
            "RUSTC": toolchain.rustc,
            "CARGO_TARGET_DIR": str(folder),
            "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(path_remaps(toolchain, CRATE)),
        }
    )
    if subprocess.run(command, cwd=product.crate(), env=environment, check=False).returncode:
        raise BuildError("cargo failed, see above")
    wasm = with_short_names(optimized(folder / TARGET / "release" / "backend.wasm"))
    return wasm + b"".join(
        custom_section(name, content)
        for name, content in (
            ("icp:public candid:service", CANDID.read_bytes()),
            ("icp:public source_sha256", digest.encode()),
            ("icp:public toolchain", toolchain.version.encode()),
        )
    )


def optimized(wasm: Path) -> bytes:
    """Return the module as Binaryen's optimizer leaves it: a fifth smaller, and no slower."""
    small = wasm.with_suffix(".small.wasm")
    features = [f"--enable-{feature}" for feature in FEATURES]
    try:
        output(OPTIMIZER, "-Oz", "--debuginfo", *features, str(wasm), "--output", str(small))
    except BuildError as error:
        raise BuildError(f"{error}; install Debian's binaryen") from error
    return small.read_bytes()


def path_remaps(toolchain: Toolchain, *crates: Path) -> Iterator[str]:
    """Yield the flags that keep the folders of this machine out of the Wasm of these crates."""
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    sysroot = output(toolchain.rustc, "--print=sysroot")
    folders = [(str(crate), f"/{crate.name}") for crate in crates]
    for folder, name in (*folders, (str(home), "/cargo"), (sysroot, "/rust")):
        yield f"--remap-path-prefix={folder}={name}"


def find_toolchain(*, rustup: bool) -> Toolchain:
    """Return a Rust that can make Wasm, or say what to install."""
    add = ["rustup", "target", "add", TARGET]
    if rustup and subprocess.run(add, check=False).returncode:
        raise BuildError("rustup could not add the target, see above")
    if has_target("rustc"):
        return Toolchain("cargo", "rustc")
    if DEBIAN_SOURCES.is_dir() and Path("/usr/bin/wasm-ld").exists() and Path("/usr/bin/cargo").exists():
        return Toolchain(
            "/usr/bin/cargo",
            "/usr/bin/rustc",
            # Without the default feature "backtrace": a canister cannot print one.
            ("-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"),
            # Building the standard library along is an unstable option of a stable compiler.
            {"RUSTC_BOOTSTRAP": "1", "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER": "wasm-ld"},
        )
    raise BuildError(f"there is no Rust for {TARGET} here: {INSTALL}")


def has_target(rustc: str) -> bool:
    """Say whether this compiler has the standard library for Wasm."""
    try:
        folder = Path(output(rustc, "--print=target-libdir", f"--target={TARGET}"))
    except BuildError:
        return False
    return any(folder.glob("libstd-*.rlib"))


def output(*command: str) -> str:
    """Return what a program prints."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise BuildError(f"{command[0]} cannot be asked: {error}") from error


def compress(wasm: bytes) -> bytes:
    """Return the Wasm compressed, the same bytes at any time (no time stamp)."""
    return gzip.compress(wasm, compresslevel=9, mtime=0)


if __name__ == "__main__":
    sys.exit(main())
