"""Runs of the gate on an embedded network, stage by stage."""

from __future__ import annotations

from datetime import date
from functools import partial

import pytest
import wasmtime

from ic_capsule.backend import reference_wasm
from ic_capsule.suite.suite import CapsuleSuite
from ic_harness.networks import embedded
from ic_harness.testing.gate import Build, GateRequest
from ic_harness.testing.gate.acceptance import Acceptances
from ic_harness.testing.gate.run import GateRun
from ic_harness.testing.gate.sandbox import Sandbox
from ic_harness.testing.gate.stage_log import run_stage

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

    def start(subject, **request):
        asked = GateRequest(subject=subject, today=TODAY, started="2026-11-21T10:00:00+00:00", **request)
        acceptances = Acceptances(asked.acceptances, asked.today)
        return GateRun(
            request=asked,
            sandbox=Sandbox(network),
            suite=CapsuleSuite(),
            acceptances=acceptances,
            canister=asked.canister,
        )

    return start


def scenario(run, *stages):
    """Run stages one after the other and return the result of the last."""
    for stage in stages:
        result = run_stage(stage.__name__, partial(stage, run), run.acceptances)
    return result
