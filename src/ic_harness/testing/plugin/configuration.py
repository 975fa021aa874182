"""The plugin's markers, and the summaries that its options ask for."""

from __future__ import annotations

from typing import Final

import pytest

from .options import Options, read_options
from .plugin_names import COMPARE_PLUGIN, GAS_PLUGIN, GROWTH_PLUGIN, TRACES_PLUGIN
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
    _register_gas(config, read_options(config))
    _register_failures(config)
    if config.getoption("ic_cov") or config.getoption("ic_flame"):
        from .trace_recorder import TraceRecorder  # lazy: start-up time  # noqa: PLC0415

        config.pluginmanager.register(TraceRecorder(config), TRACES_PLUGIN)
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
    config.addinivalue_line(
        "markers",
        "ic(instructions, rounds, subnets, history): limits of the test: instructions of one message, such as '1B', "
        "and rounds in which canisters execute; subnets of its network, such as 'application=2,nns'; whether the "
        "network is recorded, for network.history",
    )
    config.addinivalue_line(
        "markers",
        "crash_sweep(parts, **options): the fixture crash_sweep has these options; parts divides its runs among tests",
    )
    for role, what in GATE_ROLES.items():
        config.addinivalue_line("markers", f"gate_{role}: {what}, for `ic-harness gate --module`")


def _register_gas(config: pytest.Config, options: Options) -> None:
    if options.gas is None:
        return
    from .collected_tests import CollectedTests  # lazy: start-up time  # noqa: PLC0415
    from .gas_recorder import GasRecorder  # lazy: start-up time  # noqa: PLC0415

    collected = CollectedTests(config)
    config.pluginmanager.register(collected, "ic-collected-tests")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(GasRecorder(config, options, collected), GAS_PLUGIN)


def _register_failures(config: pytest.Config) -> None:
    if config.getoption("ic_report"):
        from .search_reports import SearchReports  # lazy: start-up time  # noqa: PLC0415
        from .sequence_reports import SequenceReports  # lazy: start-up time  # noqa: PLC0415

        config.pluginmanager.register(SequenceReports(), "ic-sequences")
        config.pluginmanager.register(SearchReports(), "ic-searches")
    folder = config.getoption("ic_failures")
    if folder:
        from .failure_files import FailureFiles  # lazy: start-up time  # noqa: PLC0415

        config.pluginmanager.register(FailureFiles(config.invocation_params.dir / folder), "ic-failures")


def _register_summaries(config: pytest.Config) -> None:
    if config.getoption("ic_profile"):
        from .profile import Profile  # lazy: start-up time  # noqa: PLC0415

        config.pluginmanager.register(Profile(), "ic-profile")
    if config.getoption("ic_growth"):
        from .growth_recorder import GrowthRecorder  # lazy: start-up time  # noqa: PLC0415

        config.pluginmanager.register(GrowthRecorder(config), GROWTH_PLUGIN)
    options = read_options(config)
    if options.compare is not None:
        from .compare_summary import CompareSummary  # lazy: start-up time  # noqa: PLC0415

        config.pluginmanager.register(CompareSummary(options.network, options.compare), COMPARE_PLUGIN)
    folder = config.getoption("ic_report")
    if folder:
        from .run_collector import RunCollector  # lazy: start-up time  # noqa: PLC0415

        config.pluginmanager.register(RunCollector(config, read_options(config), folder), "ic-report")
