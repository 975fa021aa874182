"""Builds fixtures/canisters from its sources: `python -m tests.interop.build_canisters [motoko] [rust]`.

The Wasm is committed (gzip, time stamp zero) so that tests which only need a canister need no compiler; the
tests here compile again and compare digests.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from pathlib import Path

from . import toolbox

CANISTERS = Path(__file__).resolve().parents[2] / "fixtures" / "canisters"
SOURCES = CANISTERS / "src"
# compiler folder -> fixture folder, sources: Motoko before and after enhanced orthogonal persistence
MOTOKO = {
    "motoko": ("motoko", ("caller", "counter", "counter_incompatible", "counter_v2", "timers", "wallet")),
    "motoko-classical": ("motoko-classical", ("caller", "counter", "counter_v2", "timers")),
}


def compile_motoko(compiler: str, name: str) -> tuple[bytes, str]:
    """The Wasm and the Candid text of `src/motoko/<name>.mo` by the compiler in `node/<compiler>`."""
    folder = toolbox.npm_folder(compiler)
    with tempfile.TemporaryDirectory() as scratch:
        wasm, did = Path(scratch) / "out.wasm", Path(scratch) / "out.did"
        toolbox.run(["node", "compile.mjs", SOURCES / "motoko" / f"{name}.mo", wasm, did], cwd=folder)
        return wasm.read_bytes(), did.read_text(encoding="utf-8")


def write(folder: str, name: str, wasm: bytes, did: str) -> None:
    """Put one canister into the fixtures."""
    target = CANISTERS / folder
    target.mkdir(parents=True, exist_ok=True)
    (target / f"{name}.wasm.gz").write_bytes(gzip.compress(wasm, mtime=0))
    (target / f"{name}.did").write_text(did, encoding="utf-8")
    print(f"{folder}/{name}: {len(wasm)} bytes")


def build_motoko() -> None:
    """Compile every Motoko fixture with every compiler that it is meant for."""
    for compiler, (folder, names) in MOTOKO.items():
        for name in names:
            write(folder, name, *compile_motoko(compiler, name))


if __name__ == "__main__":
    for step in sys.argv[1:] or ["motoko"]:
        {"motoko": build_motoko}[step]()
