"""Sessions: node keys are cached for some minutes and some subnets, and a root key is pinned once."""

from ic_harness.agent.session import MAX_SUBNETS, NODE_KEYS_TTL, Session, Subnet
from ic_harness.protocol import AnonymousIdentity, build, cbor

from .standin import CANISTER, HIGH, LOW, START


def subnet(name, read_at=START):
    """A subnet that is responsible for `CANISTER`."""
    ranges = build({b"subnet": {name: {b"canister_ranges": cbor.encode([[LOW, HIGH]])}}})
    return Subnet(name, {}, ranges, read_at)


def session(**options):
    """A session at `START`."""
    return Session(AnonymousIdentity(), **({"clock": lambda: START} | options))


def test_now_is_the_clock_plus_the_offset():
    """A positive offset means that the network is ahead of this machine."""
    assert session(offset_ns=5).now() == START + 5


def test_the_first_root_key_is_pinned():
    """A second key does not replace the pinned one."""
    agent = session()
    assert (agent.pin(b"first"), agent.pin(b"second"), agent.root_key) == (b"first", b"first", b"first")


def test_node_keys_expire():
    """Node keys are used until their age is the limit; the offset of the clock counts."""
    known = subnet(b"s")
    for age, found in ((0, known), (NODE_KEYS_TTL, known), (NODE_KEYS_TTL + 1, None)):
        assert session(subnets=(known,), clock=lambda age=age: START + age).subnet_of(CANISTER) is found
        assert session(subnets=(known,), offset_ns=age).subnet_of(CANISTER) is found


def test_keys_that_were_read_later_replace_earlier_ones():
    """A subnet is cached once, other subnets stay."""
    agent = session()
    first, other, later = subnet(b"s"), subnet(b"t"), subnet(b"s", START + 1)
    for read in (first, other, later):
        agent.remember(read)
    assert agent.subnets == (later, other)


def test_the_cache_is_bounded():
    """The oldest entries go first."""
    agent = session()
    subnets = [subnet(bytes([number])) for number in range(MAX_SUBNETS + 1)]
    for read in subnets:
        agent.remember(read)
    assert agent.subnets == tuple(reversed(subnets[1:]))
