"""What docs/found.md says of each canister: its findings, and how many runs the sweep and the explorer made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.judge_files import judge_file

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "found.md"
REPLAYS: Final = ROOT / "fixtures" / "found"
_RUNS: Final = re.compile(r"^\| `(\w+)` \| .* \| ([\d,]+) \| ([\d,]+) \| [^|]+ \|$", re.MULTILINE)
_FINDING: Final = re.compile(r"^\| `([a-z-]+)` \| `(\w+)` \| `([^|]+)` \| [^|]+ \|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Finding:
    """A row of the page: the invariant, the method that broke it, and what the replay shows."""

    invariant: str
    method: str
    shown: str

    @property
    def test(self) -> str:
        """The name of the test in the replay file."""
        return f"test_{self.invariant}_{self.method}".replace("-", "_")


def findings(canister: str) -> list[Finding]:
    """Return the findings that the page lists for a canister, in the section whose heading has its name."""
    _, _, after = PAGE.read_text(encoding="utf-8").partition(f"## Fuzzing: {canister}\n")
    section = after.partition("\n## ")[0]
    found = [Finding(*row) for row in _FINDING.findall(section)]
    assert found, f"{PAGE.name} lists nothing for {canister}"
    return found


def runs(canister: str) -> tuple[int, int]:
    """Return how many runs the sweep and the explorer made, by the page."""
    rows = {
        name: (swept, explored) for name, swept, explored in _RUNS.findall(PAGE.read_text(encoding="utf-8"))
    }
    swept, explored = (int(number.replace(",", "")) for number in rows[canister])
    return swept, explored


def greeter_file(name: str) -> bytes:
    """Return a file of the canister with which DFINITY's JavaScript agent tests itself; skips where it is not."""
    return judge_file("icp-js-core", f"icp-js-core/e2e/node/canisters/{name}")
