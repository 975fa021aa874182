"""Make `.venv` in the project's folder, install the project into it, and print the path of its Python.

Used by the scripts beside it. Needs nothing but Python 3.11 or later. A stamp in `.venv` remembers what was
installed, so that the second time costs nothing.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
LOCK = ROOT / "scripts" / "requirements.lock"
STAMP = VENV / "installed"
PYTHON = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def main(extras: list[str]) -> int:
    """Install with `extras` (names of optional dependencies) unless that was done already."""
    if sys.version_info < (3, 11):  # noqa: UP036 - an older Python gets a sentence, not a syntax error
        print(f"ic-harness needs Python 3.11 or later, this is {sys.version.split()[0]}", file=sys.stderr)
        return 2
    installed = _installed()
    if installed is None or not set(extras) <= installed:
        _install(extras)
        STAMP.write_text(" ".join([_fingerprint(), *sorted({*extras, *(installed or ())})]), encoding="utf-8")
    print(PYTHON)
    return 0


def _installed() -> set[str] | None:
    """The extras of an installation that still fits; None when there is none."""
    if not (PYTHON.exists() and STAMP.exists()):
        return None
    fingerprint, *extras = STAMP.read_text(encoding="utf-8").split()
    return {*extras, *(["test"] if "dev" in extras else [])} if fingerprint == _fingerprint() else None


def _fingerprint() -> str:
    """What an installation depends on: the project file, the lock, and where the project stands."""
    parts = [path.read_bytes() for path in (ROOT / "pyproject.toml", LOCK)]
    return hashlib.sha256(b"\0".join([*parts, str(ROOT).encode(), sys.version.encode()])).hexdigest()


def _install(extras: list[str]) -> None:
    target = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check"]
    steps = [
        [sys.executable, "-m", "venv", str(VENV)],
        [*pip, "install", "--quiet", "--constraint", str(LOCK), "--editable", target],
    ]
    for step in steps:
        print(f"+ {' '.join(step[-4:])}", file=sys.stderr)
        subprocess.run(step, check=True, stdout=sys.stderr)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        print(f"could not install ic-harness: {error}", file=sys.stderr)
        sys.exit(1)
