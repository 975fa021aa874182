"""What the release workflow asks: which version is to be released, and what its notes are.

    python scripts/release.py version          the newest version of CHANGELOG.md; empty while there is none
    python scripts/release.py notes X.Y.Z      the text under its heading

The newest heading `## X.Y.Z - YYYY-MM-DD` must have the version of pyproject.toml and of
`ic_harness.__version__`. Exit status 1 when they differ or the version is not there, 2 for other arguments.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
_HEADING: Final = re.compile(r"^## (\d+\.\d+\.\d+(?:[ab]\d+|rc\d+)?) - \d{4}-\d{2}-\d{2}$", re.MULTILINE)
_VERSION: Final = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


class ReleaseError(Exception):
    """The files do not agree on a release."""


def newest_version(root: Path = ROOT) -> str:
    """Return the version of the newest heading; empty without one. Raises `ReleaseError` where files disagree."""
    found = _HEADING.search(_read(root / "CHANGELOG.md"))
    if found is None:
        return ""
    project = tomllib.loads(_read(root / "pyproject.toml"))["project"]["version"]
    package = _VERSION.search(_read(root / "src" / "ic_harness" / "__init__.py"))
    versions = {
        "CHANGELOG.md": found[1],
        "pyproject.toml": project,
        "ic_harness.__version__": package[1] if package else "none",
    }
    if len(set(versions.values())) > 1:
        named = ", ".join(f"{place} has {version}" for place, version in versions.items())
        raise ReleaseError(f"the version must be the same everywhere: {named}")
    return found[1]


def notes(version: str, root: Path = ROOT) -> str:
    """Return the text under the heading of `version`. Raises `ReleaseError` when there is none, or it is empty."""
    text = _read(root / "CHANGELOG.md")
    for found in _HEADING.finditer(text):
        if found[1] == version:
            body = re.split(r"^## ", text[found.end() :], maxsplit=1, flags=re.MULTILINE)[0].strip()
            if not body:
                raise ReleaseError(f"CHANGELOG.md: nothing is said about {version}")
            return body + "\n"
    raise ReleaseError(f"CHANGELOG.md: no heading `## {version} - YYYY-MM-DD`")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Run one of the two questions; returns the exit status."""
    try:
        match arguments:
            case ["version"]:
                print(newest_version())
            case ["notes", version]:
                print(notes(version), end="")
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
