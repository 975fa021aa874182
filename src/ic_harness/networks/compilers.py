"""Modules from sources, by the compilers that the user has: cargo for Rust, moc for Motoko.

cargo keeps what it built and compares the sources itself, so it is run once for each crate in a process. moc keeps
nothing: its output is kept in `.ic-harness/builds`, under a hash of the compiler's version, the options and the
contents of all Motoko files of the project and of its packages.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import InputError

from .canister_lifecycle import Build, find_build

_TARGET: Final = "wasm32-unknown-unknown"
_SHOWN: Final = 2000
_NO_CARGO: Final = "there is no `cargo` on PATH: install Rust (https://rustup.rs)"
_NO_MOC: Final = (
    "there is no Motoko compiler: put `moc` on PATH or its path into DFX_MOC_PATH, or install mops or dfx"
)


def build_crate(
    folder: Path,
    *,
    features: Sequence[str] = (),
    profile: str = "release",
    environ: Mapping[str, str] | None = None,
) -> Build:
    """Build the crate in `folder` by cargo for Wasm; returns its module with its interface.

    The interface is a `.did` file of the crate's name in the folder, else what the module carries. Raises
    `InputError` when cargo is missing, the crate does not compile, or it is no library of type `cdylib`.
    """
    known = os.environ if environ is None else environ
    cargo = shutil.which("cargo", path=known.get("PATH"))
    if cargo is None:
        raise InputError(_NO_CARGO)
    manifest = folder / "Cargo.toml"
    if not manifest.is_file():
        raise InputError(f"there is no {manifest}: name the folder of a crate")
    command = [cargo, "build", "--target", _TARGET, "--profile", profile, "--message-format", "json-render-diagnostics",
               "--manifest-path", str(manifest)]  # fmt: skip
    if features:
        command += ["--features", ",".join(features)]
    output = _run(command, folder, known, f"crate {folder.name}")
    wasm = _artifact(output, manifest)
    beside = folder / f"{wasm.stem}.did"
    return find_build(wasm, beside if beside.is_file() else None)


def _artifact(output: str, manifest: Path) -> Path:
    """Find the Wasm file of the crate in cargo's messages."""
    found = [
        Path(file)
        for line in output.splitlines()
        if line.startswith("{")
        for message in [json.loads(line)]
        if message.get("reason") == "compiler-artifact" and _same_file(message.get("manifest_path"), manifest)
        for file in message.get("filenames", ())
        if str(file).endswith(".wasm")
    ]
    if not found:
        raise InputError(f'cargo made no Wasm of {manifest}: its [lib] needs crate-type = ["cdylib"]')
    return found[-1]


def _same_file(path: Any, other: Path) -> bool:
    return isinstance(path, str) and Path(path).resolve() == other.resolve()


def build_motoko(
    main: Path,
    *,
    options: Sequence[str] = (),
    root: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Build:
    """Compile the actor in `main` by moc; returns its module with its interface.

    The compiler is `$DFX_MOC_PATH`, `moc` on PATH, or the one of mops or dfx. `options` are moc's own; packages of a
    `mops.toml` above the file are passed by `mops sources`. Outputs are kept below `root` (None: the file's folder).
    Raises `InputError` when there is no compiler, or the actor does not compile.
    """
    known = os.environ if environ is None else environ
    if not main.is_file():
        raise InputError(f"cannot read {main}: there is no such file")
    moc = _find_moc(main.parent, known)
    project = _project(main)
    arguments = [*_packages(project, known), *options]
    version = _run([moc, "--version"], main.parent, known, "moc")
    key = _sources_hash(main, project, arguments, version)
    kept = (root or main.parent) / ".ic-harness" / "builds" / f"{main.stem}-{key[:32]}"
    if not (kept / "module.wasm").is_file():
        _compile(moc, main, arguments, known, kept)
    return find_build(kept / "module.wasm")


def _compile(moc: str, main: Path, arguments: Sequence[str], environ: Mapping[str, str], kept: Path) -> None:
    """Compile into a folder of its own, which then takes its place at once: other workers may build the same."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f"{kept.name}-", dir=kept.parent))
    try:
        metadata = ["--public-metadata", "candid:service", "--public-metadata", "candid:args"]
        command = [
            moc,
            *arguments,
            *metadata,
            "--idl",
            "-c",
            str(main.resolve()),
            "-o",
            str(made / "module.wasm"),
        ]
        _run(command, main.parent, environ, str(main))
        try:
            made.rename(kept)
        except OSError:
            if not (kept / "module.wasm").is_file():  # else another worker was first, with the same output
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _find_moc(folder: Path, environ: Mapping[str, str]) -> str:
    given = environ.get("DFX_MOC_PATH")
    found = shutil.which(given or "moc", path=environ.get("PATH"))
    if found is not None:
        return found
    for tool, command, name in (("mops", ["toolchain", "bin", "moc"], ""), ("dfx", ["cache", "show"], "moc")):
        program = shutil.which(tool, path=environ.get("PATH"))
        if program is None:
            continue
        path = Path(_run([program, *command], folder, environ, tool).strip()) / name
        if path.is_file():
            return str(path)
    raise InputError(_NO_MOC)


def _project(main: Path) -> Path | None:
    """Return the nearest folder upwards with a `mops.toml`; None without one."""
    return next((folder for folder in main.resolve().parents if (folder / "mops.toml").is_file()), None)


def _packages(project: Path | None, environ: Mapping[str, str]) -> list[str]:
    """Return the options that name the packages of a mops project, with absolute paths."""
    if project is None:
        return []
    mops = shutil.which("mops", path=environ.get("PATH"))
    if mops is None:
        raise InputError(
            f"{project / 'mops.toml'} names packages, and there is no `mops` on PATH: npm i -g ic-mops"
        )
    words = _run([mops, "sources"], project, environ, "mops").split()
    return [str(project / word) if (project / word).exists() else word for word in words]


def _sources_hash(main: Path, project: Path | None, arguments: Sequence[str], version: str) -> str:
    """Hash everything that the compiler may read, its version and its options."""
    folders = {project or main.resolve().parent, *(Path(word) for word in arguments if Path(word).is_dir())}
    hasher = hashlib.sha256(json.dumps([version, *arguments, str(main.resolve())]).encode())
    for folder in sorted(folders):
        for file in sorted(folder.rglob("*.mo")):
            content = file.read_bytes()
            hasher.update(json.dumps([str(file), len(content)]).encode() + content)
    return hasher.hexdigest()


def _run(command: Sequence[str], folder: Path, environ: Mapping[str, str], what: str) -> str:
    """Run a program and return what it prints. Raises `InputError` with the end of its messages when it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - a compiler of the user
            command,
            cwd=folder,
            env=dict(environ),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise InputError(f"{what}: cannot run {command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-_SHOWN:]
        raise InputError(f"{what} does not build (exit status {done.returncode}):\n{said}")
    return done.stdout
