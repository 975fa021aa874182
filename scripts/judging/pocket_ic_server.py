"""The server of PocketIC's interface as the suites of its clients start it: a program named by `POCKET_IC_BIN`."""

from __future__ import annotations

from pathlib import Path

from ic_harness.pocket_ic import install


def binary(folder: Path) -> dict[str, str]:
    """Write the program into a folder; the environment that names it, with a folder of its own for port files."""
    scratch = folder / "tmp"
    scratch.mkdir()
    return {"POCKET_IC_BIN": str(install(folder / "bin")), "TMPDIR": str(scratch)}
