"""What the plugin adds to pytest's command line."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Final

import pytest

from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.text import brief

from . import embedded_options

MAX_TOLERANCE: Final = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The plugin's options, as given."""

    network: str
    cost_schedule: str = "normal"
    wasm: Path | None
    candid: Path | None
    canister_id: str | None
    subnets: str | None = None
    icp: str | Path | None = None
    gas: str | None = None
    gas_tolerance: float = 0.0
    failures: str | None = None
    history: bool = False
    compare: str | None = None
    compare_wasm: Path | None = None
    compare_ignore: tuple[str, ...] = ()
    compare_tolerance: float = 1.0
    embedded: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of `embedded`, where the network is that."""

    @property
    def records(self) -> bool:
        """Whether the network of the run is recorded."""
        return self.history or self.failures is not None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options. Their names are part of the interface; see `short_options` for those without `ic-`."""
    group = parser.getgroup(
        "ic-harness",
        "Internet Computer canisters (ic-harness); the options work without ic- too where no other has such a name",
    )
    group.addoption(
        "--ic-network",
        dest="ic_network",
        default=os.environ.get("IC_HARNESS_NETWORK", "embedded"),
        metavar="NAME|URL",
        help="network to test on: embedded (default), dfx, icp, dfx:start, icp:start, pocket-ic, ic, or a URL",
    )
    _add_embedded_options(group)
    _add_compare_options(group)
    group.addoption(
        "--ic-wasm", dest="ic_wasm", metavar="FILE", help="canister to test: a Wasm file, plain or gzip"
    )
    group.addoption(
        "--ic-candid", dest="ic_candid", metavar="DID", help="interface of the canister under test"
    )
    group.addoption(
        "--ic-profile",
        dest="ic_profile",
        action="store_true",
        help="print instructions, cycles and messages per test and per method",
    )
    group.addoption(
        "--ic-gas",
        dest="ic_gas",
        choices=("update", "check"),
        help="keep the instructions of the calls of every test in .ic-gas, or fail where they differ from it",
    )
    group.addoption(
        "--ic-gas-tolerance",
        dest="ic_gas_tolerance",
        metavar="PERCENT",
        help="per cent by which instructions may differ (default: tolerance in [gas] of ic-harness.toml, else 1)",
    )
    _add_traces(group)
    _add_growth(group)
    group.addoption(
        "--ic-report",
        dest="ic_report",
        metavar="DIR",
        help="write the report of tests of guarantees here: index.html, report.{json,sarif}, junit.xml, summary.md",
    )
    group.addoption(
        "--ic-soak",
        dest="ic_soak",
        action="store_true",
        help="run the soak tests of suites too, such as 500 uploads of 20 callers at once",
    )
    group.addoption(
        "--ic-soak-seed", dest="ic_soak_seed", type=int, metavar="N", help="repeat the soak with this order"
    )
    group.addoption(
        "--ic-canister-id", dest="ic_canister_id", metavar="ID", help="test this canister as it is"
    )


def _add_traces(group: pytest.OptionGroup) -> None:
    """Add the options that record what canisters execute on the embedded network."""
    group.addoption(
        "--ic-cov",
        dest="ic_cov",
        action="store_true",
        help="print which functions and branches of canisters the tests executed, and write pages and files",
    )
    group.addoption(
        "--ic-cov-dir",
        dest="ic_cov_dir",
        default="ic-coverage",
        metavar="DIR",
        help="where --ic-cov writes index.html, lcov.info and cobertura.xml (default: ic-coverage)",
    )
    group.addoption(
        "--ic-cov-source",
        dest="ic_cov_source",
        action="append",
        default=[],
        metavar="DIR",
        help="a folder below the root folder in which --ic-cov finds source files, such as that of a crate",
    )
    group.addoption(
        "--ic-flame",
        dest="ic_flame",
        action="store_true",
        help="print the instructions of each function of canisters, and write flame graphs: SVG and speedscope files",
    )
    group.addoption(
        "--ic-flame-dir",
        dest="ic_flame_dir",
        default="ic-flame",
        metavar="DIR",
        help="where --ic-flame writes (default: ic-flame)",
    )


def _add_growth(group: pytest.OptionGroup) -> None:
    """Add the options of the fixture `grow`."""
    group.addoption(
        "--ic-growth",
        dest="ic_growth",
        action="store_true",
        help="print how the costs of methods grow that tests measured with the fixture grow, and write a page",
    )
    group.addoption(
        "--ic-growth-dir",
        dest="ic_growth_dir",
        default="ic-growth",
        metavar="DIR",
        help="where --ic-growth writes index.html (default: ic-growth)",
    )


def _add_compare_options(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--ic-compare",
        dest="ic_compare",
        metavar="NAME|URL",
        help="make every call on this network too, and fail the run where it answers differently",
    )
    group.addoption(
        "--ic-compare-wasm",
        dest="ic_compare_wasm",
        metavar="FILE",
        help="install this module there in place of --wasm (--ic-compare is embedded then, unless it is given)",
    )
    group.addoption(
        "--ic-compare-ignore",
        dest="ic_compare_ignore",
        action="append",
        default=[],
        metavar="REGEX",
        help="places that may differ, such as 'status\\.memory'; repeatable",
    )
    group.addoption(
        "--ic-compare-tolerance",
        dest="ic_compare_tolerance",
        metavar="PERCENT",
        help="per cent by which the instructions of a call may differ (default: 1)",
    )


def _add_embedded_options(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--ic-subnets",
        dest="ic_subnets",
        metavar="KIND[=N],...",
        help="subnets of the embedded network, such as application=2,nns (default: one application subnet)",
    )
    group.addoption(
        "--ic-cost-schedule",
        dest="ic_cost_schedule",
        choices=("normal", "free"),
        default="normal",
        help="whether canisters of the embedded network pay cycles (normal, the default) or nothing (free)",
    )
    embedded_options.add_options(group)
    group.addoption(
        "--ic-failures",
        dest="ic_failures",
        metavar="DIR",
        help="write what is needed to replay a failing test into a file here, for ic-harness replay",
    )
    group.addoption(
        "--ic-history",
        dest="ic_history",
        action="store_true",
        help="record the network of every test, for network.history",
    )

    group.addoption(
        "--ic-icp",
        dest="ic_icp",
        choices=("stand-ins", "project", "none"),
        help="ICP ledger, cycles ledger and others at their mainnet ids: our stand-ins, or the modules that [icp] of "
        "ic-harness.toml names (default: those of [icp] where there is one)",
    )


def read_options(config: pytest.Config) -> Options:
    """Collect the options. Raises `pytest.UsageError` when two of them contradict each other."""
    wasm, canister_id = config.getoption("ic_wasm"), config.getoption("ic_canister_id")
    if wasm and canister_id:
        raise pytest.UsageError(
            "--wasm deploys a new canister, --canister-id names an old one: give one of them"
        )
    network = config.getoption("ic_network")
    if network.endswith(":start") and config.getoption("numprocesses", None):
        name = network.partition(":")[0]
        raise pytest.UsageError(
            f"--network {network} starts one network, but each worker of -n would start its own: "
            f"start it yourself and give --network {name}"
        )
    candid, subnets = config.getoption("ic_candid"), config.getoption("ic_subnets")
    if subnets:
        _check_subnets(subnets, network)
    failures, history = config.getoption("ic_failures"), config.getoption("ic_history")
    if (failures or history) and network != "embedded":
        option = "--ic-failures" if failures else "--ic-history"
        raise pytest.UsageError(f"{option} is for the embedded network, not for --network {network}")
    return Options(
        network=network,
        icp=_icp(config, network),
        cost_schedule=config.getoption("ic_cost_schedule"),
        wasm=Path(wasm) if wasm else None,
        candid=Path(candid) if candid else None,
        canister_id=canister_id,
        subnets=subnets or None,
        gas=config.getoption("ic_gas"),
        gas_tolerance=_tolerance(config) if config.getoption("ic_gas") else 0.0,
        failures=failures or None,
        history=history,
        embedded=embedded_options.read_options(config, network),
        **_comparison(config),
    )


def _comparison(config: pytest.Config) -> dict[str, Any]:
    """Return the options of `--ic-compare`. Raises `pytest.UsageError` for contradictions and bad patterns."""
    wasm, patterns = config.getoption("ic_compare_wasm"), config.getoption("ic_compare_ignore")
    compare = config.getoption("ic_compare") or ("embedded" if wasm else None)
    if wasm and not config.getoption("ic_wasm"):
        raise pytest.UsageError("--compare-wasm is another build of --wasm, and there is none")
    if compare and (config.getoption("ic_subnets") or config.getoption("ic_canister_id")):
        raise pytest.UsageError(
            "--compare deploys on two networks: it goes with neither --subnets nor --canister-id"
        )
    for text in patterns:
        try:
            re.compile(text)
        except re.error as error:
            raise pytest.UsageError(f"--ic-compare-ignore {brief(text)} is no pattern: {error}") from error
    tolerance = config.getoption("ic_compare_tolerance")
    return {
        "compare": compare,
        "compare_wasm": Path(wasm) if wasm else None,
        "compare_ignore": tuple(patterns),
        "compare_tolerance": 1.0 if tolerance is None else _percent(tolerance, "--ic-compare-tolerance"),
    }


def _check_subnets(subnets: str, network: str) -> None:
    from ic_harness.replica import parse_subnets  # lazy: start-up time  # noqa: PLC0415

    if network != "embedded":
        raise pytest.UsageError(f"--subnets is for the embedded network, not for --network {network}")
    try:
        parse_subnets(subnets)
    except InputError as error:
        raise pytest.UsageError(f"--subnets {subnets}: {error}") from error


def _icp(config: pytest.Config, network: str) -> str | Path | None:
    """Return the choice of ICP's own canisters for the network: a folder is that of the project, with its `[icp]`."""
    from ic_harness.project_file import read_project_file  # lazy: start-up time  # noqa: PLC0415

    given = config.getoption("ic_icp")
    if network != "embedded":
        if given not in (None, "none"):
            raise pytest.UsageError(f"--icp is for the embedded network, not for --network {network}")
        return None
    if given is None:
        try:
            named = "icp" in (read_project_file(config.rootpath) or {})
        except InputError as error:
            raise pytest.UsageError(str(error)) from error
        return config.rootpath if named else None
    if given == "none":
        return None
    return config.rootpath if given == "project" else str(given)


def _tolerance(config: pytest.Config) -> float:
    """Return the tolerance of `--ic-gas` in per cent. Raises `pytest.UsageError` for what is none."""
    from ic_harness.project_file import PROJECT_FILE, read_table  # lazy  # noqa: PLC0415
    from ic_harness.testing.gas import DEFAULT_TOLERANCE  # lazy: start-up time  # noqa: PLC0415

    given = config.getoption("ic_gas_tolerance")
    if given is not None:
        return _percent(given, "--ic-gas-tolerance")
    try:
        table = read_table(config.rootpath, "gas", ["tolerance"])
    except InputError as error:
        raise pytest.UsageError(str(error)) from error
    return _percent(table.get("tolerance", DEFAULT_TOLERANCE), f"{PROJECT_FILE}: [gas] tolerance")


def _percent(value: object, where: str) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) and value is not True else -1.0
    except (ValueError, OverflowError):
        number = -1.0
    if not 0 <= number <= MAX_TOLERANCE:
        raise pytest.UsageError(
            f"{where} is a number of per cent, 0 to {MAX_TOLERANCE:g}, not {brief(value)}"
        )
    return number
