"""Others' tools, installed once into a cache outside the source tree: npm folders, venvs, a cargo target.

A tool's folder is named by the digest of its lock file, so a changed lock is a new folder and an old one is
never repaired. `IC_HARNESS_INTEROP_CACHE` moves the cache; by default it is in the user's cache folder.
A missing program raises ToolMissingError, which the fixtures turn into a skip that names it (or into a
failure where `IC_HARNESS_REQUIRE_INTEROP=1`).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).parent
NODE = HERE / "node"


class ToolMissingError(Exception):
    """A program or package registry that the judge needs cannot be had here; the text names it."""


def cache_root() -> Path:
    """The folder that holds installed judges."""
    named = os.environ.get("IC_HARNESS_INTEROP_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(named) if named else Path(base) / "ic-harness" / "interop"


def npm_folder(client: str) -> Path:
    """A folder with `client`'s node_modules, as its lock file says, and our driver scripts beside them."""
    need("node", "npm")
    packages = [NODE / client / "package.json", NODE / client / "package-lock.json"]
    folder = cache_root() / f"node-{client}-{_digest(packages)}"
    with made_once(folder) as making:
        _refresh(folder, [*sorted((NODE / client).iterdir()), *sorted((NODE / "scripts").iterdir())])
        if making:
            _install(["npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
    return folder


def python_venv(name: str, requirements: Path) -> Path:
    """The Python of a venv of its own that holds what `requirements` pins."""
    folder = cache_root() / f"python-{name}-{_digest([requirements])}-{sys.version_info.minor}"
    python = folder / "bin" / "python"
    with made_once(folder) as making:
        if making:
            _install([sys.executable, "-m", "venv", str(folder)], HERE)
            _install([str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)], HERE)
    return python


def cargo_binary(project: Path, binary: str) -> Path:
    """`binary` of the cargo project, built as its lock file says, with the target folder in the cache."""
    need("cargo")
    target = cache_root() / "cargo-target"
    command = ["cargo", "build", "--locked", "--quiet", "--manifest-path", str(project / "Cargo.toml")]
    _install([*command, "--target-dir", str(target)], project)
    return target / "debug" / binary


def run(
    command: Sequence[str | Path], *, cwd: Path = HERE, timeout_s: float = 300, **environment: str
) -> str:
    """The standard output of a judge; a failure carries everything it printed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={**os.environ, **environment},
    )
    if done.returncode:
        said = [
            line for line in (done.stdout + done.stderr).splitlines() if len(line) < 500
        ]  # no minified code
        raise AssertionError("\n".join([f"{command[:2]} exited with {done.returncode}", *said]))
    return done.stdout


def need(*programs: str) -> None:
    """Raise ToolMissingError for the first program that is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            raise ToolMissingError(f"{program} is not installed")


def _refresh(folder: Path, sources: Sequence[Path]) -> None:
    """Copy what differs, each file at once, so that a process that reads them meanwhile sees whole files."""
    for source in sources:
        target = folder / source.name
        if not target.exists() or target.read_bytes() != source.read_bytes():
            fresh = folder / f".{source.name}.new"
            shutil.copyfile(source, fresh)
            fresh.replace(target)


def _digest(files: Sequence[Path]) -> str:
    content = hashlib.sha256()
    for file in files:
        content.update(file.name.encode() + b"\0" + file.read_bytes())
    return content.hexdigest()[:16]


@contextlib.contextmanager
def made_once(folder: Path) -> Iterator[bool]:
    """True for the one process that has to fill the folder; the others wait (tests run in parallel)."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / ".complete"
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        making = not stamp.exists()
        yield making
        if making:
            stamp.touch()


def _install(command: Sequence[str], cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolMissingError(f"`{' '.join(command[:4])} …` failed: {done.stderr.strip()[-2000:]}")
