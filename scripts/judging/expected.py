"""The committed list of cases that are expected to fail, and the comparison with what a suite gave.

A list is a TOML file: `total`, the number of cases of the suite, and tables `[[expected]]` with a `reason` and the
`cases` that fail for it. Names are exact, so that a case that begins to pass is a difference like one that fails.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from judge import Result


@dataclass(frozen=True)
class Expected:
    """How many cases a suite has, and why some of them fail: name → reason."""

    total: int
    reasons: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> Expected:
        """Read a list. Raises ValueError when a case is named twice or a reason is empty."""
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        reasons: dict[str, str] = {}
        for group in data.get("expected", []):
            if not group["reason"].strip():
                raise ValueError(f"{path.name}: a group of cases has no reason")
            for case in group["cases"]:
                if case in reasons:
                    raise ValueError(f"{path.name}: {case!r} is named twice")
                reasons[case] = group["reason"]
        return cls(data["total"], reasons)

    def differences(self, results: Mapping[str, Result]) -> Iterator[str]:
        """One text for every case that is not as expected, in the suite's order."""
        for name, result in results.items():
            if not result.passed and name not in self.reasons:
                yield f"fails: {name}\n{_indented(result.detail)}"
            if result.passed and name in self.reasons:
                yield f"passes now, take it off the list: {name} ({self.reasons[name]})"
        for name in self.reasons.keys() - results.keys():
            yield f"is expected to fail, but there is no such case: {name}"
        if len(results) != self.total:
            yield f"the suite ran {len(results)} cases, the list says {self.total}"


def _indented(detail: str) -> str:
    return "\n".join(f"      {line}" for line in detail.strip().splitlines()[:8])
