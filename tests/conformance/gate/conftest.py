"""Runs of the gate on an embedded network, stage by stage."""

from __future__ import annotations

from datetime import date

import pytest
import wasmtime

from ic_capsule.backend import reference_wasm
from ic_capsule.suite.suite import CapsuleSuite
from ic_harness.networks import embedded
from ic_harness.testing.gate import Build, Order
from ic_harness.testing.gate.acceptance import Acceptances
from ic_harness.testing.gate.findings import run_stage
from ic_harness.testing.gate.ground import Ground
from ic_harness.testing.gate.run import Run

TODAY = date(2026, 11, 21)


def wat(text):
    return bytes(wasmtime.wat2wasm(text))


def reference(name="backend.wasm.gz", **more):
    return Build(name=name, wasm=reference_wasm(), **more)


@pytest.fixture(scope="module")
def network():
    """One embedded network for a module; each test installs canisters of its own."""
    with embedded() as running:
        yield running


@pytest.fixture
def started(network):
    """Make a run that has judged nothing yet."""

    def start(subject, **order):
        order = Order(subject=subject, today=TODAY, started="2026-11-21T10:00:00+00:00", **order)
        acceptances = Acceptances(order.acceptances, order.today)
        return Run(
            order=order,
            ground=Ground(network),
            suite=CapsuleSuite(),
            acceptances=acceptances,
            canister=order.canister,
        )

    return start


def play(run, *stages):
    """Run stages one after the other; gives the result of the last."""
    for stage in stages:
        result = run_stage(
            stage.__name__, lambda findings, stage=stage: stage(run, findings), run.acceptances
        )
    return result
