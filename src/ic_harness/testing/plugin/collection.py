"""What is checked of all tests before the first one runs: their guarantees and their limits."""

from __future__ import annotations

import pytest

from .guarantees import look_up_guarantees
from .limits import limits_of, subnets_of


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Look up guarantees and limits. Raises `pytest.UsageError` for what is neither."""
    look_up_guarantees(config, items)
    for item in items:
        limits_of(item)
        subnets_of(item)
