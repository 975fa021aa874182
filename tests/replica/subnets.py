"""What tests of several subnets share: a network of three, and canisters on a subnet that the test names."""

from __future__ import annotations

from ic_harness import candid
from ic_harness.principal import Principal
from ic_harness.replica import ManualClock, Replica, ReplicaConfig, parse_subnets
from ic_harness.replica.management.call import interface

from .support import ALICE, MANAGEMENT, Called, did, install, wasm

START = 1_700_000_000_000_000_000
NOTHING = b"DIDL\0\0"
CREATE = "provisional_create_canister_with_cycles"


def opened(subnets="application=2,nns", **options):
    """A network of several subnets whose clock stands still."""
    config = {"seed": b"test", "clock": ManualClock(START), **options}
    return Replica(ReplicaConfig(subnets=parse_subnets(subnets), **config))


def first_id(node):
    """The first id of the range for new canisters."""
    return Principal(node.subnet.ranges[-1][0])


def create_on(replica, node, **options):
    """Create a canister on the subnet of a node."""
    method = interface().methods[CREATE]
    call = {"amount": None, "settings": None, "specified_id": None, **options}
    arg = candid.encode((call,), method.arg_types)
    reply = replica.execute_update(ALICE, MANAGEMENT, CREATE, arg, effective_id=first_id(node))
    return candid.decode(reply, method.return_types)[0]["canister_id"]


def deploy_on(replica, node, value):
    """Deploy the Rust fixture to the subnet of a node, with `value` in its counter."""
    canister_id, service = create_on(replica, node), did("rust/rust")
    install(replica, canister_id, wasm("rust/rust"), candid.encode((value,), service.init_args))
    return Called(replica, canister_id, service)


def deploy_pair(replica, first=7, second=100):
    """A canister on each of the two application subnets."""
    _, one, two = replica.nodes.all
    return [deploy_on(replica, one, first), deploy_on(replica, two, second)]


def forward(one, two, method="get", arg=NOTHING, cycles=0, timeout_s=None):
    """Let canister `one` call a method of canister `two`."""
    return one.update("forward", getattr(two, "id", two), method, arg, cycles, timeout_s)
