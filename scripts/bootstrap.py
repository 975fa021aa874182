"""Make `.venv` in the project's folder, install the project into it, and print the path of its Python.

Used by the scripts beside it. Needs nothing but Python 3.11 or later. A stamp in `.venv` remembers what was
installed, so that the second time costs nothing. `--lowest` makes `.venv-lowest` instead, with the lowest version of
everything that pyproject.toml allows.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ROOT / "pyproject.toml"
LOCK = ROOT / "scripts" / "requirements.lock"
PYTHON = Path("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)>=([0-9.]+)(,<[0-9.]+)?(; .+)?")


@dataclass(frozen=True)
class Environment:
    """One environment: its folder, and the lines of its constraints file."""

    folder: Path
    constraints: str

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / PYTHON

    @property
    def stamp(self) -> Path:
        """The file that remembers what was installed."""
        return self.folder / "installed"

    @property
    def fingerprint(self) -> str:
        """What an installation depends on: the project file, the constraints, and where the project stands."""
        parts = [PROJECT.read_bytes(), self.constraints.encode(), str(ROOT).encode(), sys.version.encode()]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


def main(arguments: list[str]) -> int:
    """Install with extras (names of optional dependencies) unless that was done already."""
    if sys.version_info < (3, 11):  # noqa: UP036 - an older Python gets a sentence, not a syntax error
        print(f"ic-harness needs Python 3.11 or later, this is {sys.version.split()[0]}", file=sys.stderr)
        return 2
    extras = [word for word in arguments if word != "--lowest"]
    if "--lowest" in arguments:
        chosen = Environment(ROOT / ".venv-lowest", lowest(extras))
    else:
        chosen = Environment(ROOT / ".venv", LOCK.read_text(encoding="utf-8"))
    installed = _installed(chosen)
    if installed is None or not set(extras) <= installed:
        _install(chosen, extras)
        words = [chosen.fingerprint, *sorted({*extras, *(installed or ())})]
        chosen.stamp.write_text(" ".join(words), encoding="utf-8")
    print(chosen.python)
    return 0


def lowest(extras: list[str]) -> str:
    """Constraints that allow nothing but the lowest version of each requirement of pyproject.toml.

    Raises ValueError for a requirement without a lower bound.
    """
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(line for name in extras for line in project["optional-dependencies"][name]),
    ]
    lines = []
    for requirement in wanted:
        match = _REQUIREMENT.fullmatch(requirement)
        if match is None:
            raise ValueError(
                f"pyproject.toml: {requirement!r} is not of the form name>=version or name>=version; marker"
            )
        lines.append(f"{match[1]}=={match[2]}\n")
    return "".join(lines)


def _installed(environment: Environment) -> set[str] | None:
    """The extras of an installation that still fits; None when there is none."""
    if not (environment.python.exists() and environment.stamp.exists()):
        return None
    fingerprint, *extras = environment.stamp.read_text(encoding="utf-8").split()
    fits = fingerprint == environment.fingerprint
    return {*extras, *(["test"] if "dev" in extras else [])} if fits else None


def _install(environment: Environment, extras: list[str]) -> None:
    target = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    pip = [str(environment.python), "-m", "pip", "--disable-pip-version-check"]
    make = [sys.executable, "-m", "venv", str(environment.folder)]
    _run(make)
    constraints = environment.folder / "constraints.txt"
    constraints.write_text(environment.constraints, encoding="utf-8")
    _run([*pip, "install", "--quiet", "--constraint", str(constraints), "--editable", target])


def _run(step: list[str]) -> None:
    print(f"+ {' '.join(step[-4:])}", file=sys.stderr)
    subprocess.run(step, check=True, stdout=sys.stderr)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        print(f"could not install ic-harness: {error}", file=sys.stderr)
        sys.exit(1)
