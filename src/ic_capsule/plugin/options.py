"""What the plugin of capsule backends adds to pytest's command line."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options. Their names are part of the interface."""
    group = parser.getgroup("ic-capsule", "capsule backends (ic-harness)")
    group.addoption(
        "--soak",
        dest="ic_soak",
        action="store_true",
        help="run the soak of the conformance suite too: 500 uploads of 20 callers at once",
    )
    group.addoption(
        "--soak-seed", dest="ic_soak_seed", type=int, metavar="N", help="repeat the soak with this order"
    )
