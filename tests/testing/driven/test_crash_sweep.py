"""The crash sweep finds the planted faults, and nothing in their healthy twins."""

from __future__ import annotations

import pytest

from ic_harness.errors import InputError, RejectError
from ic_harness.networks import deploy_canister, embedded, lifecycle
from ic_harness.testing.crash_sweep import CrashSweepError, crash_sweep, sweep

from .conftest import CANISTERS, Market


def sweeping(market, method, *arguments, invariant=None, **options):
    return sweep(
        market.network,
        lambda: market.shop.call(method, market.at, *arguments),
        invariant or (lambda: None),
        canisters=market.canisters,
        **options,
    )


def ids(result):
    return [finding.intervention for finding in result.findings]


@pytest.mark.parametrize("method", ["spend", "guarded", "buy"])
def test_nothing_is_found_in_the_healthy_twin(market, method):
    """Traps, limits, rejects, stops and upgrades at every message: the invariant holds, and the shop works again."""
    arguments = (5,) if method == "spend" else ()
    invariant = {"spend": market.conserved, "buy": market.paid}.get(method)
    result = sweeping(market, method, *arguments, invariant=invariant)
    assert ids(result) == []
    assert result.notes == []
    assert result.runs == result.planned >= 15


def test_state_changed_before_an_await(market):
    """A rejected deposit costs the credit: by a trap, a limit, a reject and a stopped callee."""
    result = sweeping(market, "spend_faulty", 5, invariant=market.conserved)
    assert ids(result) == [
        "request 1 of vault.deposit trapped",
        "request 1 of vault.deposit limited to 1/2 of its instructions",
        "request 1 of vault.deposit rejected",
        "vault stopped before request 1 of vault.deposit",
    ]
    first = result.findings[0]
    assert first.problem.startswith("AssertionError: 95 credit and 0 coins are not 100")
    assert "injected by the crash sweep" in first.callers
    assert first.messages[1].endswith("<- trap")


def test_a_lock_that_is_never_freed(market):
    """No invariant is needed: after a trapped callback the scenario cannot be run again."""
    result = sweeping(market, "guarded_faulty")
    assert "reply 1 of vault.deposit trapped" in ids(result)
    assert all("cannot be run again" in finding.problem for finding in result.findings)
    assert all("locked" in finding.problem for finding in result.findings)
    assert ids(sweeping(market, "guarded_faulty", again=False)) == []


def test_a_lost_refund(market):
    """The second of two calls is rejected after the first was paid."""
    result = sweeping(market, "buy_faulty", invariant=market.paid)
    assert "request 1 of vault.ship rejected" in ids(result)
    assert all("vault.ship" in found for found in ids(result))
    assert result.findings[0].problem.startswith("AssertionError: 5 coins, 0 shipped")


def test_a_lost_reply_is_possible_with_bounded_wait_only(market):
    """The shop waits without bound, so its replies cannot be lost; asked for all, the sweep loses them."""
    possible = sweeping(market, "spend", 5, invariant=market.conserved, kinds=["lost reply"])
    assert possible.planned == 0
    every = sweeping(market, "spend", 5, invariant=market.conserved, kinds=["lost reply"], lost_replies="all")
    assert ids(every) == ["reply 1 of vault.deposit lost"]


def test_the_story_and_the_test_to_paste(market):
    """A failure says what was done at which message, and gives the test that does it again, which then passes."""

    def test_spend(method):
        crash_sweep(
            market.network,
            lambda: market.shop.call(method, market.at, 5),
            market.conserved,
            canisters=market.canisters,
            kinds=["reject"],
        )

    with pytest.raises(CrashSweepError) as caught:
        test_spend("spend_faulty")
    story = str(caught.value)
    assert story.startswith("1 of 1 interventions break the invariant, in 3 messages")
    assert "      2 request 1 of vault.deposit <- reject" in story
    pasted = caught.value.result.test
    assert "only='request 1 of vault.deposit rejected'" in pasted
    names = {"crash_sweep": crash_sweep, "market": market}
    exec(pasted, names)
    with pytest.raises(CrashSweepError):
        names["test_spend_again"]("spend_faulty")
    names["test_spend_again"]("spend")


def test_parts_make_the_whole(market):
    """The runs of all parts are those of the whole sweep, and each run is the same when it is made alone."""
    whole = sweeping(market, "buy_faulty", invariant=market.paid)
    parts = [sweeping(market, "buy_faulty", invariant=market.paid, part=(part, 3)) for part in (1, 2, 3)]
    assert sum(part.runs for part in parts) == whole.runs
    assert {found for part in parts for found in ids(part)} == set(ids(whole))
    alone = sweeping(market, "buy_faulty", invariant=market.paid, only=ids(whole)[-1])
    assert alone.runs == 1
    assert alone.findings == [whole.findings[-1]]


def test_a_sample_is_drawn_with_a_seed(market):
    """Beyond `most` runs a sample is made, the same for the same seed."""
    first = sweeping(market, "buy_faulty", invariant=market.paid, most=8, seed=3)
    again = sweeping(market, "buy_faulty", invariant=market.paid, most=8, seed=3)
    assert first.runs == 8
    assert first.findings == again.findings
    assert "8 of" in first.notes[0]


def test_the_network_is_as_before(market):
    """Nothing of the runs is left: neither state nor time nor a hook."""
    before, replica = market.network.replica.state_hash(), market.network.replica
    time_ns = replica.round_time_ns
    sweeping(market, "spend_faulty", 5, invariant=market.conserved, kinds=["trap", "stop"])
    assert replica.state_hash() == before
    assert replica.round_time_ns == time_ns
    assert not replica.is_held
    market.shop.spend(market.at, 5)
    market.conserved()


def test_a_scenario_that_fails_by_itself(market):
    """What is wrong without any intervention is raised as it is."""
    market.shop.take(market.at)
    with pytest.raises(RejectError, match="not paid"):
        sweep(market.network, lambda: market.vault.ship(7), lambda: None)
    with pytest.raises(AssertionError, match="without any intervention: it returned False"):
        sweeping(market, "guarded", invariant=lambda: False)


def test_a_scenario_that_does_not_end(market):
    """A caller that calls for ever after a reject is a finding and not a hang."""

    def stubborn():
        while True:
            try:
                return market.shop.spend(market.at, 5)
            except RejectError:
                market.network.advance_time(1)

    result = sweep(
        market.network, stubborn, lambda: None, canisters=market.canisters, kinds=["stop"], again=False
    )
    assert "shop stopped before request 1 of shop.spend" in ids(result)
    assert "of its calls were refused" in result.findings[0].problem


def test_options_that_cannot_be(market):
    """Errors name what is wrong."""
    with pytest.raises(InputError, match="no kind of intervention 'trab'"):
        sweeping(market, "guarded", kinds=["trab"])
    with pytest.raises(InputError, match="lost_replies"):
        sweeping(market, "guarded", lost_replies="some")
    with pytest.raises(InputError, match="part"):
        sweeping(market, "guarded", part=(3, 2))
    gone = sweeping(market, "guarded", only="request 9 of vault.deposit trapped")
    assert gone.runs == 0
    assert "request 9 of vault.deposit trapped" in gone.notes[0]


def test_timers_are_messages_too(own_network):
    """What a timer does is swept like calls: its task, and the message that it sends to its own canister."""
    with own_network.anchored():
        timers = deploy_canister(own_network, CANISTERS / "motoko" / "timers.wasm.gz")
        result = sweep(
            own_network,
            lambda: timers.after(0),
            lambda: timers.seen()["once"] >= 1,
            canisters={"timers": timers},
        )
    assert result.messages[:2] == ("request 1 of timers.after", "timer 1 of timers")
    # The network switches a timer off before its task runs: one that traps is not run again.
    assert "timer 1 of timers trapped" in ids(result)
    assert "request 1 of timers.__motoko_async_helper trapped" in ids(result)
    # Motoko runs the job as a call to its own canister, which rejects it while it stops.
    assert "timers stopped before request 1 of timers.__motoko_async_helper" in ids(result)


def test_canisters_on_two_subnets():
    """Calls and answers that go through streams are swept as others are."""
    with embedded(subnets="application=2,nns") as network:
        there = Market(network, *[one.id for one in network.subnets if one.kind == "application"])
        result = sweeping(there, "spend_faulty", 5, invariant=there.conserved, kinds=["trap", "stop"])
        healthy = sweeping(there, "spend", 5, invariant=there.conserved, kinds=["stop", "upgrade"])
    assert ids(result) == [
        "request 1 of vault.deposit trapped",
        "vault stopped before request 1 of vault.deposit",
    ]
    assert healthy.findings == []


def test_an_interrupt_leaves_the_network_as_it_was(market):
    """Ctrl-C within a run: the calls under way are given up, and the network works."""
    before, runs = market.network.replica.state_hash(), iter(range(100))

    def interrupted():
        if next(runs) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweeping(market, "guarded", invariant=interrupted)
    assert market.network.replica.state_hash() == before
    assert not market.network.replica.is_held
    market.shop.spend(market.at, 5)


def test_a_canister_without_controllers_is_left_alone(market):
    """It cannot be stopped or upgraded, and a note says so; everything else is swept."""
    lifecycle(market.vault).settings(controllers=[])
    result = sweeping(market, "spend", 5, invariant=market.conserved)
    assert result.notes == ["vault is neither stopped nor upgraded: it has no controller"]
    assert result.findings == []
    assert result.runs == 12
