"""What the plugin adds to pytest's command line."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The plugin's options, as given."""

    network: str
    wasm: Path | None
    candid: Path | None
    canister_id: str | None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options. Their names are part of the interface."""
    group = parser.getgroup("ic-harness", "Internet Computer canisters (ic-harness)")
    group.addoption(
        "--network",
        dest="ic_network",
        default=os.environ.get("IC_HARNESS_NETWORK", "embedded"),
        metavar="NAME|URL",
        help="network to test on: embedded (default), dfx, icp, dfx:start, icp:start, pocket-ic, ic, or a URL",
    )
    group.addoption(
        "--wasm", dest="ic_wasm", metavar="FILE", help="canister to test: a Wasm file, plain or gzip"
    )
    group.addoption("--candid", dest="ic_candid", metavar="DID", help="interface of the canister under test")
    group.addoption(
        "--ic-profile",
        dest="ic_profile",
        action="store_true",
        help="print instructions, cycles and messages per test and per method",
    )
    group.addoption(
        "--ic-report",
        dest="ic_report",
        metavar="DIR",
        help="write the report of tests of guarantees here: index.html, report.{json,sarif}, junit.xml, summary.md",
    )
    group.addoption(
        "--soak",
        dest="ic_soak",
        action="store_true",
        help="run the soak tests of suites too, such as 500 uploads of 20 callers at once",
    )
    group.addoption(
        "--soak-seed", dest="ic_soak_seed", type=int, metavar="N", help="repeat the soak with this order"
    )
    group.addoption("--canister-id", dest="ic_canister_id", metavar="ID", help="test this canister as it is")


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
    candid = config.getoption("ic_candid")
    return Options(
        network=network,
        wasm=Path(wasm) if wasm else None,
        candid=Path(candid) if candid else None,
        canister_id=canister_id,
    )
