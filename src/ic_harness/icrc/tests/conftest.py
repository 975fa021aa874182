"""The ledger under test: a deployed one (`--canister-id`), or a Wasm that is installed once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ic_harness.icrc.suite import LedgerSuite
from ic_harness.networks import Capability, Network, read_interface
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity, Identity
from ic_harness.testing.gate import Build
from ic_harness.testing.target import Target


def _shared(name: str) -> Identity:
    return Ed25519Identity.from_seed(hashlib.sha256(b"ic-harness icrc " + name.encode()).digest())


@pytest.fixture(scope="session")
def ledger_build(ic_session: Any) -> Build | None:
    """Return the build under test with arguments that the suite chose; None where a running ledger is named.

    The test is skipped when neither `--wasm` nor `--canister-id` was given.
    """
    options = ic_session.options
    if options.canister_id is not None:
        return None
    if options.wasm is None:
        pytest.skip("no ledger to test: give --wasm FILE or --canister-id ID")
    interface = read_interface(options.candid) if options.candid is not None else None
    build = Build(
        name=options.wasm.name, wasm=options.wasm.read_bytes(), interface=interface, place=str(options.wasm)
    )
    suite = LedgerSuite()
    return replace(
        build,
        argument=suite.init_argument(build, _shared) or build.argument,
        upgrade_argument=suite.upgrade_argument(build, _shared),
    )


@pytest.fixture(scope="session")
def ledger_id(ic_session: Any, ledger_build: Build | None) -> Principal:
    """Return the ledger's id; a build is installed before the first test, so that every test finds it new."""
    if ledger_build is None or ledger_build.wasm is None:
        return Principal.from_text(str(ic_session.options.canister_id))
    network: Network = ic_session.network
    return network.deploy(ledger_build.wasm, ledger_build.argument)


@pytest.fixture
def ledger(
    request: pytest.FixtureRequest,
    ic_session: Any,
    ledger_id: Principal,
    ledger_build: Build | None,
    ic_network: Network,
) -> Target:
    """Return the ledger with callers of this test's own."""
    ic_session.names[ledger_id] = "ledger"
    return Target(
        ic_network,
        ledger_id,
        lambda name: ic_session.identity(request.node.nodeid, name),
        shared=_shared,
        upgrade=_upgrade(ic_network, ledger_id, ledger_build),
    )


def _upgrade(network: Network, canister: Principal, build: Build | None) -> Callable[[], None] | None:
    if build is None or build.wasm is None or Capability.UPGRADE not in network.capabilities:
        return None
    wasm, argument = build.wasm, build.upgrade_argument or build.argument
    return lambda: network.install(canister, wasm, argument, "upgrade")
