"""Builds `src/backend` into `fixtures/backend.wasm.gz`, and checks that this file comes from the sources.

With ``--mutants`` it is `fixtures/mutants.wasm.gz` instead: all faulty backends in one module, see
`src/backend/src/faults.rs`.

The Wasm carries three custom sections besides the code and the names of its functions:

- ``icp:public candid:service``: `candid/backend.did`, so that clients can read the interface from the canister;
- ``icp:public source_sha256``: the digest of the sources (see `source_digest`), in hexadecimal;
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
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CRATE = ROOT / "src" / "backend"
CANDID = ROOT / "candid" / "backend.did"
FUNCTION_NAMES = 1
LONGEST_NAME = 90
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
    """What is built: where it is put, with which features of the crate, by which command."""

    path: Path
    features: str
    command: str

    @property
    def name(self) -> str:
        """The path within the repository."""
        return self.path.relative_to(ROOT).as_posix()


BACKEND = Product(ROOT / "fixtures" / "backend.wasm.gz", "", "scripts/build-backend")
MUTANTS = Product(ROOT / "fixtures" / "mutants.wasm.gz", "mutants", "scripts/build-backend --mutants")


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
        if options.digest_only:
            check_digest(product)
        elif options.check:
            check_bytes(find_toolchain(rustup=options.rustup), product)
        else:
            write(find_toolchain(rustup=options.rustup), product)
    except BuildError as error:
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


def check_digest(product: Product) -> None:
    """Fail unless the committed Wasm was made from the sources that are here."""
    recorded = sections(committed(product)).get("icp:public source_sha256", b"").decode()
    if recorded != source_digest():
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


def source_digest() -> str:
    """Return the SHA-256 over the sources: of each file in order its name, length as eight bytes, and content.

    The sources are Cargo.toml, Cargo.lock and src/ of the crate and of the one in it, and candid/backend.did; names are
    relative to the repository.
    """
    hashing = CRATE / "sha256"
    files = [CRATE / "Cargo.toml", CRATE / "Cargo.lock", CANDID, *(CRATE / "src").rglob("*.rs")]
    files += [hashing / "Cargo.toml", *(hashing / "src").rglob("*.rs")]
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(ROOT).as_posix(), path) for path in files):
        content = path.read_bytes()
        digest.update(name.encode() + b"\0" + len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


def build(toolchain: Toolchain, product: Product) -> bytes:
    """Compile the crate and add the custom sections."""
    folder = CRATE / "target" / "wasm"
    command = [
        toolchain.cargo,
        "build",
        "--locked",
        "--release",
        "--lib",
        f"--features={product.features}",
        f"--target={TARGET}",
        *toolchain.arguments,
    ]
    environment = (
        os.environ
        | toolchain.environment
        | {
            "RUSTC": toolchain.rustc,
            "CARGO_TARGET_DIR": str(folder),
            "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(path_remaps(toolchain)),
        }
    )
    if subprocess.run(command, cwd=CRATE, env=environment, check=False).returncode:
        raise BuildError("cargo failed, see above")
    wasm = with_short_names(optimized(folder / TARGET / "release" / "backend.wasm"))
    return wasm + b"".join(
        custom_section(name, content)
        for name, content in (
            ("icp:public candid:service", CANDID.read_bytes()),
            ("icp:public source_sha256", source_digest().encode()),
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


def path_remaps(toolchain: Toolchain) -> Iterator[str]:
    """Yield the flags that keep the folders of this machine out of the Wasm."""
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    sysroot = output(toolchain.rustc, "--print=sysroot")
    for folder, name in ((str(CRATE), "/backend"), (str(home), "/cargo"), (sysroot, "/rust")):
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


def custom_section(name: str, content: bytes) -> bytes:
    """Return a custom section: id 0, size, length of the name, name, content (WebAssembly, 5.5.3)."""
    body = leb128(len(name)) + name.encode() + content
    return b"\0" + leb128(len(body)) + body


def sections(wasm: bytes) -> dict[str, bytes]:
    """Return the custom sections of a module by name."""
    found, at = {}, 8
    while at < len(wasm):
        kind = wasm[at]
        size, at = read_leb128(wasm, at + 1)
        if kind == 0:
            length, start = read_leb128(wasm, at)
            found[wasm[start : start + length].decode()] = wasm[start + length : at + size]
        at += size
    return found


def with_short_names(wasm: bytes) -> bytes:
    """Return the module with only those function names that a person can read in a backtrace.

    The names of generic code are longer than the code itself (a megabyte of them), and say less than the name of
    who called it.
    """
    out, at = bytearray(wasm[:8]), 8
    while at < len(wasm):
        size, start = read_leb128(wasm, at + 1)
        end = start + size
        length, content = read_leb128(wasm, start)
        is_names = wasm[at] == 0 and wasm[content : content + length] == b"name"
        out += custom_section("name", short_names(wasm[content + length : end])) if is_names else wasm[at:end]
        at = end
    return bytes(out)


def short_names(section: bytes) -> bytes:
    """Return the function names (subsection 1 of the name section) without the long ones and the rest."""
    kind, at = section[0], 0
    while kind != FUNCTION_NAMES:
        size, start = read_leb128(section, at + 1)
        at = start + size
        kind = section[at]
    _, start = read_leb128(section, at + 1)
    count, at = read_leb128(section, start)
    kept = []
    for _ in range(count):
        index, name = read_leb128(section, at)
        length, name = read_leb128(section, name)
        at = name + length
        if length <= LONGEST_NAME:
            kept.append(leb128(index) + leb128(length) + section[name:at])
    body = leb128(len(kept)) + b"".join(kept)
    return bytes([FUNCTION_NAMES]) + leb128(len(body)) + body


def leb128(number: int) -> bytes:
    """Return an unsigned number in LEB128."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def read_leb128(data: bytes, at: int) -> tuple[int, int]:
    """Return the unsigned number at an offset, and the offset behind it."""
    number = shift = 0
    while data[at] & 0x80:
        number |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
    return number | data[at] << shift, at + 1


if __name__ == "__main__":
    sys.exit(main())
