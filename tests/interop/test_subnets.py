"""Agents of others on a network of several subnets: every certificate is believed by its delegation from the root."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.principal import Principal
from ic_harness.replica import parse_subnets

from .conftest import have
from .lab import MANAGEMENT, OWNER, Fixture, Lab

pytestmark = pytest.mark.interop
CREATE = "provisional_create_canister_with_cycles"


@pytest.fixture(scope="module")
def several():
    """An NNS and two application subnets."""
    with Lab.opened(subnets=parse_subnets("nns,application=2")) as opened:
        yield opened


def deploy_on(lab, number):
    """A counter that begins at 40 on the subnet with this number."""
    subnet = lab.replica.nodes.all[number].subnet
    method = MANAGEMENT.methods[CREATE]
    arg = candid.encode(({"amount": None, "settings": None},), method.arg_types)
    reply = lab.replica.execute_update(
        OWNER, Principal.management(), CREATE, arg, effective_id=Principal(subnet.ranges[-1][0])
    )
    canister_id = candid.decode(reply, method.return_types)[0]["canister_id"]
    return lab.install(canister_id, Fixture("motoko/counter"), 40), subnet


@pytest.fixture(params=[0, 1, 2], ids=["nns", "first", "second"])
def deployed(several, request):
    """A counter on each of the subnets, and its subnet."""
    return deploy_on(several, request.param)


def address(lab, subnet):
    """What a judge has to be told; the absent canister has an id of the same subnet."""
    return {**lab.address, "absent": str(Principal(subnet.ranges[-1][0][:6] + b"\xff\xff\x01\x01"))}


@pytest.mark.parametrize("client", ["agent2", "agent3", "core"])
def test_javascript_believes_every_subnet(client, several, deployed):
    """Updates, queries with their signatures and refusals of a canister on each subnet pass JavaScript's agents."""
    canister, subnet = deployed
    judge = have(client)
    seen = judge.ask("round_trip", canister=canister.id, **address(several, subnet))
    assert (seen["before"], seen["incremented"]) == ("40", "41")
    refused = judge.ask("refusals", canister=canister.id, **address(several, subnet))
    assert refused["by_assert"]["error"]["reject_code"] == 5


@pytest.mark.slow
def test_rust_believes_every_subnet(several, deployed):
    """ic-agent verifies delegations and ranges, and finds the canister's own subnet with its one node."""
    canister, subnet = deployed
    judge = have("ic_agent")
    where = {"canister": canister.id, **address(several, subnet)}
    assert judge.ask("round_trip", **where) == {"before": "40", "incremented": "41", "echoed": True}
    seen = judge.ask("state", **where)
    assert (seen["subnet"], seen["in_subnet"], seen["nodes"]) == (str(subnet.principal), True, 1)
    assert seen["metrics"] >= 1


@pytest.mark.slow
@pytest.mark.parametrize("client", ["ic_py", "icp_py_core"])
def test_python_believes_delegations(client, several):
    """The Python agents accept certificates of an application subnet."""
    canister, subnet = deploy_on(several, 1)
    seen = have(client).ask("round_trip", canister=canister.id, **address(several, subnet))
    assert seen
