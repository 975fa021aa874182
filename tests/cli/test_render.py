"""What a person sees in a narrow terminal, and what a log holds."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

from ic_capsule.cli.render import asset_table

ASSET: dict[str, Any] = {
    "asset_type": "Original",
    "locator": "blob_18446744073709551615",
    "mime_type": "image/jpeg",
    "sha256": "ab" * 32,
    "width": 4000,
    "height": 3000,
    "bytes": 21_000_000,
}
PHOTO = {
    "photo": "holiday.jpg", "memory_id": "mem_1", "assets": [ASSET], "verified": True, "bytes": 21_000_000,
    "seconds": 1.0, "canister_id": "rwlgt-iiaaa-aaaaa-aaaaa-cai", "capsule_id": "capsule_1",
}  # fmt: skip


@pytest.mark.parametrize(("columns", "hashes"), [(80, False), (160, True)])
def test_a_terminal(monkeypatch, capsys, columns, hashes):
    """At 80 columns everything but the hashes is there, whole; a wide terminal has them, too."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    asset_table(PHOTO)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert (ASSET["sha256"] in shown) == hashes
    for cell in ("Original", ASSET["locator"], "image/jpeg", "4000x3000", "21.0 MB", "read back and equal"):
        assert cell in shown
    assert all(len(line) <= columns for line in shown.splitlines()[:-1])


def test_a_log(capsys):
    """Where no terminal is, nothing is left out or folded."""
    asset_table(PHOTO)
    assert ASSET["sha256"] in capsys.readouterr().out
