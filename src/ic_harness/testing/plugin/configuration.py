"""The plugin's markers, and the summaries that its options ask for."""

from __future__ import annotations

from typing import Final

import pytest

from .options import read_options
from .product_fixtures import ProductFixtures

GATE_ROLES: Final = {
    "fill": "stores state before an upgrade",
    "fill_more": "stores more after an upgrade",
    "verify": "asserts that what fill stored is there",
    "workload": "makes the calls whose costs are compared",
}
"""What a function can be to the gate, by marker."""


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and refuse options that contradict each other before anything runs."""
    read_options(config)
    config.pluginmanager.register(ProductFixtures(config), "ic-product-fixtures")
    if not hasattr(config, "workerinput"):  # workers send what they find
        _register_summaries(config)
    config.addinivalue_line(
        "markers",
        "needs(*capabilities): skip unless the network can do this: time, upgrade, snapshot, single_round, …",
    )
    config.addinivalue_line(
        "markers",
        "guarantee(id, severity, needs): proves or refutes a guarantee, of guarantees.toml beside the test or of an "
        "installed suite; there severity is C, H, M or L, needs is such as 'two' or 'upgrade'",
    )
    for role, what in GATE_ROLES.items():
        config.addinivalue_line("markers", f"gate_{role}: {what}, for `ic-harness gate --module`")


def _register_summaries(config: pytest.Config) -> None:
    if config.getoption("ic_profile"):
        from .profile import Profile  # lazy: start-up time  # noqa: PLC0415

        config.pluginmanager.register(Profile(), "ic-profile")
    folder = config.getoption("ic_report")
    if folder:
        from .findings import Collected  # lazy: start-up time  # noqa: PLC0415

        collected = Collected(read_options(config), config.invocation_params.dir / folder)
        config.pluginmanager.register(collected, "ic-report")
