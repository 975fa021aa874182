"""Growth of a canister with planted costs: each method's law, and the limits that are met."""

from __future__ import annotations

import struct

import pytest

from ic_harness.errors import InputError, RejectError
from ic_harness.networks import embedded
from ic_harness.testing.growth import GrowthError, Law, grow
from ic_harness.testing.growth.measure import from_plain, to_plain
from ic_harness.testing.growth.picture import to_growth_page
from ic_harness.testing.growth.series import growth_lines, limit_words
from tests.testing.planted import planted

PLANTED = {
    "constant": Law.CONSTANT,
    "logarithm": Law.LOGARITHMIC,
    "linear": Law.LINEAR,
    "sorted": Law.LINEARITHMIC,
    "square": Law.QUADRATIC,
    "cube": Law.CUBIC,
    "steps": Law.LINEAR,
}


def nat32(n: int) -> bytes:
    """Encode a nat32 in Candid."""
    return b"DIDL\0\1\x79" + struct.pack("<I", n)


@pytest.fixture(scope="module")
def network():
    """A network for the tests of this module."""
    with embedded() as running:
        yield running


@pytest.fixture(scope="module")
def canister(network):
    """The canister with planted costs."""
    return network.deploy(planted())


@pytest.fixture(scope="module")
def measured(network, canister):
    """The growth of all planted methods."""
    agent = network.agent()

    def workload(n):
        for method in (*PLANTED, "touch"):
            agent.update(canister, method, nat32(n))
        agent.query(canister, "payload", nat32(n))

    return grow(network, workload, names={canister: "planted"}, title="planted")


@pytest.mark.parametrize("method", PLANTED)
def test_planted_law_is_found(measured, method):
    """Each method has its planted law, with certainty: the method of n² is told from its twin of n log n."""
    found = measured[method]
    assert found.law is PLANTED[method]
    assert found.fit.certain
    assert found.fit.error < 0.01


def test_figures_are_exact(network, canister, measured):
    """Instructions are deterministic: a second measurement has the same figures, and the network is as it was."""
    agent = network.agent()
    again = grow(network, lambda n: agent.update(canister, "square", nat32(n)), names={canister: "planted"})
    assert again["square"].figures == measured["square"].figures


def test_foretold_limit_is_where_it_is_met(network, canister, measured):
    """The size foretold for the limit of instructions is within one per cent of the size at which calls trap."""
    size = measured["cube"].fit.size_at(50_000_000)
    agent = network.agent()
    with network.limited(instructions=50_000_000):
        agent.update(canister, "cube", nat32(size * 99 // 100))
        with pytest.raises(RejectError, match="instructions"):
            agent.update(canister, "cube", nat32(size * 101 // 100))


def test_replies_and_memories_have_limits_of_their_own(measured):
    """A reply meets 2 MiB, the heap 4 GiB; what does not grow is left out except instructions."""
    reply = measured.of("payload (query)", "reply")
    assert (reply.law, reply.limit) == (Law.LINEAR, 2 << 20)
    assert reply.meets_limit == pytest.approx(2 << 20, rel=0.001)
    assert measured.of("planted", "heap").limit == 4 << 30
    assert [it.subject for it in measured.series if it.what == "argument"] == []


def test_table_and_page_say_the_law_and_the_limit(measured):
    """The table and the page name each method with its law and the size at which it meets its limit."""
    square = measured["square"]
    (line,) = [line for line in growth_lines([measured]) if line.startswith("planted.square ")]
    assert " n² " in line
    assert line.endswith(limit_words(square))
    page = to_growth_page([measured])
    assert page.count("<svg") == len(measured.series)
    assert "planted.square grows by n²" in page
    assert "<script" not in page


def test_growth_survives_the_way_from_a_worker(measured):
    """The laws are the same after a growth was sent as plain values."""
    assert from_plain(to_plain(measured)) == measured


def test_hostile_names_are_dead_text(network, canister):
    """A title with markup and escape sequences stays text on the page."""
    agent = network.agent()
    title = '<script>alert("1")</script>\x1b[31m'
    found = grow(network, lambda n: agent.update(canister, "linear", nat32(n)), title=title)
    page = to_growth_page([found])
    assert "<script" not in page
    assert "\x1b" not in page + "\n".join(growth_lines([found]))


@pytest.mark.parametrize("sizes", [(1, 2, 4), (8, 9, 10, 11, 12), (0, 1, 2, 4, 8), ()])
def test_sizes_that_tell_no_law_are_refused(network, sizes):
    """Few sizes, sizes close to each other and zero are refused before anything runs."""
    with pytest.raises(InputError, match="at least twice"):
        grow(network, lambda _: pytest.fail("ran"), sizes=sizes)


def test_a_method_must_be_called_at_all_sizes(network, canister):
    """A method that is called at some sizes only has no growth; the error names it."""
    agent = network.agent()

    def workload(n):
        if n > 20:
            agent.update(canister, "linear", nat32(n))

    with pytest.raises(GrowthError, match="linear at size 8"):
        grow(network, workload)


def test_unknown_subject_lists_those_that_there_are(measured):
    """A name that no method has is an error with the names that there are."""
    with pytest.raises(GrowthError, match=r"planted\.square"):
        measured["sqare"]
