"""Builds a crate into a Wasm module that the harness itself runs, and checks that the module comes from its sources.

The toolchain is that of the backend, see `build_backend.py`. The modules are for wasmtime only, so they may use
instructions that Binaryen does not know: there is no optimizer after the compiler.

Two custom sections are added: `source_sha256`, the digest of the sources (names within the repository, lengths,
contents), and `toolchain`, the compiler; only builds by equal compilers have comparable bytes. `SHA256SUMS` beside the
module has the digest of the unpacked module.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from build_backend import (
    ROOT,
    TARGET,
    BuildError,
    Toolchain,
    compress,
    find_toolchain,
    output,
    path_remaps,
)
from wasm_sections import custom_section, sections

CRATES = tuple(ROOT / "src" / name for name in ("metering", "tracing", "bls"))
"""The folders that are kept out of every module: equal flags and one folder build what crates share only once."""


@dataclass(frozen=True)
class CrateModule:
    """A crate `src/<name>`, its module `fixtures/<name>/<name>.wasm.gz`, and the compiler's further flags."""

    name: str
    flags: tuple[str, ...] = ()

    @property
    def crate(self) -> Path:
        """The folder of the sources."""
        return ROOT / "src" / self.name

    @property
    def path(self) -> Path:
        """The committed module."""
        return ROOT / "fixtures" / self.name / f"{self.name}.wasm.gz"

    @property
    def sums(self) -> Path:
        """The file with the digest of the unpacked module."""
        return self.path.with_name("SHA256SUMS")

    @property
    def command(self) -> str:
        """The command that builds it."""
        return f"scripts/build-{self.name}"


def main(module: CrateModule, arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0 when the module is built or the check holds."""
    program = f"build-{module.name}"
    parser = argparse.ArgumentParser(
        prog=program, description=f"Build {name(module.path)} from {name(module.crate)}."
    )
    parser.add_argument("--check", action="store_true", help="build anew and compare with the committed file")
    parser.add_argument(
        "--digest-only", action="store_true", help="only compare the digest of the sources; needs no Rust"
    )
    parser.add_argument(
        "--rustup", action="store_true", help="download the Wasm target by rustup when it is missing"
    )
    options = parser.parse_args(arguments)
    try:
        if options.digest_only:
            check_digest(module)
        elif options.check:
            check_bytes(module, find_toolchain(rustup=options.rustup))
        else:
            write(module, build(module, find_toolchain(rustup=options.rustup)))
    except BuildError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1
    return 0


def source_digest(module: CrateModule) -> str:
    """Return the SHA-256 over the sources: of each file in order its name, length as eight bytes, and content."""
    crate = module.crate
    files = [crate / "Cargo.toml", crate / "Cargo.lock", *(crate / "src").rglob("*.rs")]
    digest = hashlib.sha256()
    for path in sorted(files):
        content = path.read_bytes()
        digest.update(
            path.relative_to(ROOT).as_posix().encode() + b"\0" + len(content).to_bytes(8, "big") + content
        )
    return digest.hexdigest()


def build(module: CrateModule, toolchain: Toolchain) -> bytes:
    """Compile the crate and add the custom sections. Raises `BuildError`."""
    folder = ROOT / "target" / "modules"
    command = [
        toolchain.cargo,
        "build",
        "--locked",
        "--release",
        "--lib",
        f"--target={TARGET}",
        *toolchain.arguments,
    ]
    environment = {
        **os.environ,
        **toolchain.environment,
        "RUSTC": toolchain.rustc,
        "CARGO_TARGET_DIR": str(folder),
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join([*path_remaps(toolchain, *CRATES), *module.flags]),
    }
    if subprocess.run(command, cwd=module.crate, env=environment, check=False).returncode:
        raise BuildError("cargo failed, see above")
    wasm = (folder / TARGET / "release" / f"{module.name}.wasm").read_bytes()
    return (
        wasm
        + custom_section("source_sha256", source_digest(module).encode())
        + custom_section("toolchain", compiler(toolchain).encode())
    )


def compiler(toolchain: Toolchain) -> str:
    """Return the compiler's name for itself."""
    return output(toolchain.rustc, "--version")


def write(module: CrateModule, wasm: bytes) -> None:
    """Put the module and its digest into fixtures/."""
    module.path.parent.mkdir(exist_ok=True)
    module.path.write_bytes(compress(wasm))
    module.sums.write_text(sums(module, wasm), encoding="utf-8")
    print(f"{name(module.path)}: {len(wasm):,} bytes, {module.path.stat().st_size:,} compressed")


def check_digest(module: CrateModule) -> bytes:
    """Return the committed module; raises `BuildError` unless it was made from these sources and has its digest."""
    if not module.path.exists():
        raise BuildError(f"{name(module.path)} is missing: run {module.command}")
    wasm = gzip.decompress(module.path.read_bytes())
    if not module.sums.exists() or module.sums.read_text(encoding="utf-8") != sums(module, wasm):
        raise BuildError(
            f"{name(module.sums)} has another digest than {name(module.path)}: run {module.command} and commit both"
        )
    if sections(wasm).get("source_sha256", b"").decode() != source_digest(module):
        raise BuildError(
            f"{name(module.path)} was not built from these sources: run {module.command} and commit it"
        )
    print(f"{name(module.path)} comes from these sources ({source_digest(module)[:12]})")
    return wasm


def check_bytes(module: CrateModule, toolchain: Toolchain) -> None:
    """Raise `BuildError` unless a new build has the committed bytes; another compiler only has to succeed."""
    committed = check_digest(module)
    made_by = sections(committed).get("toolchain", b"").decode()
    wasm = build(module, toolchain)
    if made_by != compiler(toolchain):
        print(
            f"built by {compiler(toolchain)}; the committed file by {made_by}, so their bytes are not compared"
        )
    elif wasm != committed:
        raise BuildError(
            f"{name(module.path)} has other bytes than a new build: run {module.command} and commit the result"
        )
    else:
        print("a new build gives the same bytes")


def sums(module: CrateModule, wasm: bytes) -> str:
    """Return the content of SHA256SUMS."""
    return f"{hashlib.sha256(wasm).hexdigest()}  {module.name}.wasm\n"


def name(path: Path) -> str:
    """Return a path within the repository."""
    return path.relative_to(ROOT).as_posix()
