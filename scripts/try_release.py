"""Installs each wheel and sdist of a folder into an empty environment, and uses it in an empty folder.

    python scripts/try_release.py dist

What is tried gets a canister of the checkout's fixtures, and nothing else of it. Exit status 1 when one file fails, 2
without a wheel and an sdist.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
CANISTER: Final = ROOT / "fixtures" / "canisters" / "motoko" / "counter"
BIN: Final = "Scripts" if sys.platform == "win32" else "bin"
TEST: Final = """
from ic_harness.testing import trapped


def test_counts(deploy):
    counter = deploy("counter.wasm.gz", 5)
    assert counter.increment() == 6
    with trapped():
        counter.fail_by_assert()
    counter.upgrade()
    assert counter.get() == 6
"""


def try_file(file: Path, folder: Path) -> None:
    """Install `file` into an environment in `folder` and use it. Raises `CalledProcessError` when a step fails."""
    venv.create(folder / "environment", with_pip=True)
    programs = folder / "environment" / BIN
    project = folder / "project"
    project.mkdir()
    for end in ("wasm.gz", "did"):
        shutil.copy(f"{CANISTER}.{end}", project / f"counter.{end}")
    (project / "test_counter.py").write_text(TEST, encoding="utf-8")
    (project / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    python = str(programs / "python")
    for command in (
        [python, "-m", "pip", "install", "--quiet", str(file)],
        [python, "-m", "pip", "check"],
        [str(programs / "ic-harness"), "--version"],
        [str(programs / "ic-harness"), "doctor"],
        [python, "-m", "pytest", "-q", "test_counter.py"],
    ):
        subprocess.run(command, cwd=project, check=True)


def main(arguments: list[str]) -> int:
    """Try the files of a folder; returns the exit status."""
    dist = Path(arguments[0] if arguments else "dist").resolve()
    files = [*sorted(dist.glob("*.whl")), *sorted(dist.glob("*.tar.gz"))]
    if len(files) < 2:
        print(f"{dist} has no wheel and sdist: python -m build", file=sys.stderr)
        return 2
    for file in files:
        print(f"== {file.name}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            try:
                try_file(file, Path(folder))
            except subprocess.CalledProcessError as error:
                print(f"{file.name}: {error}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
