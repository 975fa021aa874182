"""ICP's own canisters by stand-ins, judged by the clients that DFINITY publishes for the real ones."""

from __future__ import annotations

import pytest

from ic_harness.networks import embedded
from ic_harness.principal import Principal
from ic_harness.replica import serve
from ic_harness.units import TRILLION

from .conftest import have

pytestmark = [pytest.mark.interop, pytest.mark.slow]

ICP = 10**8
RATE = 35_200


def test_payments_by_the_published_clients():
    """A user is paid, tops up, creates a canister, mints and withdraws cycles; errors are those of the clients."""
    judge = have("canisters")
    with embedded(icp="stand-ins", subnets="application=1,nns") as network:
        canister = network.create_canister()
        before = network.replica.canister(canister).cycles
        server = serve(network.replica, port=0)
        try:
            seen = judge.ask("payments", host=server.url, canister=str(canister))
        finally:
            server.stop()
        assert int(seen["funded"]) == 10 * ICP
        assert (int(seen["rate"]), int(seen["toppedUp"])) == (RATE, ICP * RATE)
        assert seen["subnets"] == [str(it.id) for it in network.subnets if it.kind == "application"]
        assert network.replica.canister(canister).cycles - before == ICP * RATE + TRILLION
        made = network.replica.canister(Principal.from_text(seen["created"]))
        assert made.cycles == ICP * RATE - TRILLION // 2
        assert int(seen["minted"]["minted"]) == ICP * RATE
        assert int(seen["minted"]["balance"]) == int(seen["balance"]) == ICP * RATE - 10**8
        assert (seen["wrongMemo"], seen["tooMuch"]) == (True, True)
