"""Copies the prebuilt canisters of the example in the current folder into its `build/`, in place of a compiler.

Every example can be run without a compiler this way: the modules are those of `fixtures/` in this checkout, whose
sources are in `fixtures/canisters/src`. In a project of yours the build command of `dfx.json` is your compiler.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
BUILDS = {
    "motoko-counter": {"counter": "canisters/motoko/counter", "counter_v2": "canisters/motoko/counter_v2"},
    "rust-counter": {"counter": "canisters/rust/rust"},
    "azle-counter": {"counter": "canisters/azle/counter"},
    "icrc-ledger": {"ledger": "canisters/ledgers/ledger"},
    "capsule-backend": {"backend": "backend"},
}
"""For each example the name of a build, and the fixture that it is."""


def main(folder: Path) -> int:
    """Copy what the example in `folder` needs; returns the exit status."""
    builds = BUILDS.get(folder.name)
    if builds is None:
        print(f"{folder.name} is no example: run this in one of {', '.join(BUILDS)}", file=sys.stderr)
        return 2
    (folder / "build").mkdir(exist_ok=True)
    for name, fixture in builds.items():
        shutil.copyfile(FIXTURES / f"{fixture}.wasm.gz", folder / "build" / f"{name}.wasm.gz")
        interface = FIXTURES / f"{fixture}.did"
        if interface.exists():
            shutil.copyfile(interface, folder / "build" / f"{name}.did")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
