"""Cycles that canisters pay: messages, calls of users, storage and compute over time; canisters that run dry."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.errors import RejectError
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity
from ic_harness.replica import CostSchedule, Fees, ManualClock, Replica, ReplicaConfig
from ic_harness.replica.execution.charging import freezing_limit
from ic_harness.units import GIB, TRILLION
from tests.replica.support import (
    ALICE,
    BOB,
    FREE,
    Wire,
    create,
    deploy,
    deploy_wat,
    did,
    install,
    management,
    wasm,
)

NOTHING = b"DIDL\0\0"
SECOND = 1_000_000_000
DAY = 86_400 * SECOND
FEES = Fees()
LONGEST = FEES.execution(40_000_000_000)
UNSIGNED = 330
"""Bytes that an unsigned call counts besides its method name and argument."""


def record(replica, canister):
    return replica.node.state.canisters[Principal.of(getattr(canister, "id", canister)).raw]


def limit(replica, canister):
    return freezing_limit(record(replica, canister), FEES)


def top_up(replica, canister, amount):
    management(replica).update("provisional_top_up_canister", {"canister_id": canister.id, "amount": amount})


def settings(replica, canister, **values):
    canister_id = getattr(canister, "id", canister)
    management(replica).update("update_settings", {"canister_id": canister_id, "settings": values})


def refused(call, *values):
    with pytest.raises(RejectError) as caught:
        call(*values)
    return caught.value


def ingress(method, arg=NOTHING):
    return FEES.ingress(UNSIGNED + len(method) + len(arg))


# --- messages ------------------------------------------------------------------------------------------------


def test_an_update_costs_ingress_base_and_instructions(replica, rust):
    """A user's call costs its bytes, five million, and a cycle an instruction; a query costs nothing."""
    seen, _ = replica.figures(0)
    before = record(replica, rust).cycles
    rust.query("get")
    assert record(replica, rust).cycles == before
    arg = candid.encode((1,), did("rust/rust").methods["add"].arg_types)
    rust.update("add", 1)
    _, figures = replica.figures(seen)
    instructions = next(figure.instructions for figure in figures if figure.what == "add")
    assert before - record(replica, rust).cycles == ingress("add", arg) + 5_000_000 + instructions


TWO_STORES = """(func (export "canister_update {name}")
    (i32.store ({index}.const 0) (i32.const 1)) (i32.store ({index}.const {second}) (i32.const 1)) (call $reply))"""


@pytest.mark.parametrize(("index", "weight"), [("i32", 1_000), ("i64", 4_000)])
def test_changed_pages_of_main_memory_are_paid(replica, index, weight):
    """A page of main memory that an update changed costs 1,000 instructions, 4,000 with memories of 64 bits."""
    start = f'(import "ic0" "msg_reply" (func $reply)) (memory (export "memory") {index} 1)'
    methods = [("near", 8), ("wide", 4096)]
    text = "".join(TWO_STORES.format(name=name, index=index, second=second) for name, second in methods)
    canister_id = deploy_wat(replica, text, prelude=start)
    seen, _ = replica.figures(0)
    balances = [record(replica, canister_id).cycles]
    for name, _ in methods:
        replica.execute_update(ALICE, canister_id, name, b"")
        balances.append(record(replica, canister_id).cycles)
    near, wide = (figure.instructions for figure in replica.figures(seen)[1])
    assert wide - near == weight
    costs = [FEES.instructions(used, is_64=index == "i64") for used in (near, wide)]
    assert balances[0] - 2 * balances[1] + balances[2] == costs[0] - costs[1]


def test_a_signed_call_pays_for_its_envelope(replica, rust, wire):
    """Every byte of the signed envelope is paid, whatever is in it."""
    before = record(replica, rust).cycles
    body = wire.seal_call(rust.id, "absent", NOTHING).to_cbor()
    wire.post(f"/api/v3/canister/{rust.id}/call", body)
    # A method that does not exist runs no instruction, but the message was executed.
    assert before - record(replica, rust).cycles == 1_200_000 + 2_000 * len(body) + 5_000_000


def test_a_call_costs_its_bytes_both_ways(replica, rust, other):
    """The caller pays for request, answer and callback; what was paid in advance comes back."""
    arg = candid.encode((other.id, "get", NOTHING, 0, None), did("rust/rust").methods["forward"].arg_types)
    reply = candid.encode((100,), did("rust/rust").methods["get"].return_types)
    seen, _ = replica.figures(0)
    before = [record(replica, one).cycles for one in (rust, other)]
    rust.update("forward", other.id, "get", NOTHING, 0, None)
    spent = [b - record(replica, one).cycles for b, one in zip(before, (rust, other), strict=True)]
    used = {figure.what: figure.instructions for figure in replica.figures(seen)[1]}
    transmission = 260_000 + 1_000 * (len("get") + len(NOTHING) + len(reply))
    executed = 2 * 5_000_000 + used["forward"] + used["reply"]
    assert spent == [ingress("forward", arg) + executed + transmission, 5_000_000 + used["get"]]


def test_the_balance_in_a_message_is_without_the_prepayment(replica, rust):
    """As on mainnet a running update sees a balance from which the longest message is already paid."""
    outside = rust.query("facts")["balance"]
    inside = rust.update("facts_update")["balance"]
    assert outside - inside == LONGEST + ingress("facts_update")


@pytest.mark.parametrize("caller", [ALICE, BOB])
def test_a_dry_canister_fails_as_on_mainnet(replica, rust, caller):
    """IC0207, code 2; controllers are told how many cycles are missing, to the unit."""
    record(replica, rust).cycles = LONGEST
    error = refused(rust.by(caller).update, "facts_update")
    assert (error.reject_code, error.error_code) == (2, "IC0207")
    missing = limit(replica, rust) + LONGEST - record(replica, rust).cycles
    text = f"Canister {rust.id} is out of cycles"
    if caller == ALICE:
        text += f": please top up the canister with at least {missing} additional cycles"
    assert error.reject_message == text
    top_up(replica, rust, missing + ingress("facts_update") - 1)
    assert refused(rust.by(caller).update, "facts_update").error_code == "IC0207"
    top_up(replica, rust, 1 + ingress("facts_update"))
    assert rust.by(caller).update("facts_update")["balance"] > 0


@FREE
def test_nothing_costs_anything_on_a_free_subnet(replica, rust, other):
    """With the schedule `free` balances change by transfers only, and a canister without cycles runs."""
    before = [record(replica, one).cycles for one in (rust, other)]
    rust.update("forward", other.id, "get", NOTHING, 0, None)
    replica.advance_time(100 * DAY)
    replica.tick()
    assert [record(replica, one).cycles for one in (rust, other)] == before
    record(replica, rust).cycles = 0
    assert rust.update("add", 1) == 8
    status = management(replica).update("canister_status", {"canister_id": rust.id})
    assert (status["idle_cycles_burned_per_day"], status["cycles"]) == (0, 0)


def test_a_larger_subnet_costs_more():
    """Fees grow with the number of nodes: 34 nodes cost 34/13."""
    config = ReplicaConfig(seed=b"large", clock=ManualClock(), nodes=34)
    with Replica(config) as large:
        rust = deploy(large, "rust/rust", 7)
        before, seen = record(large, rust).cycles, large.figures(0)[0]
        rust.update("facts_update")
        used = large.figures(seen)[1][0].instructions
        paid = before - record(large, rust).cycles
    fees = Fees(34)
    assert paid == pytest.approx(
        fees.ingress(UNSIGNED + len("facts_update") + len(NOTHING)) + fees.execution(used), abs=1
    )
    assert fees.execution(10**9) == 2_628_461_538


# --- freezing ------------------------------------------------------------------------------------------------


def test_a_frozen_canister_answers_nothing(replica, rust, wire):
    """Queries say that it is frozen, calls are refused by the ingress filter; a top-up wakes it."""
    record(replica, rust).cycles = limit(replica, rust) - 1
    error = refused(rust.query, "get")
    text = (
        f"Canister {rust.id} is unable to process query calls because it's frozen. "
        "Please top up the canister with cycles and try again."
    )
    assert (error.error_code, error.reject_message) == ("IC0207", text)
    answer = wire.call(rust.id, "add")
    assert f"Canister {rust.id} is out of cycles" in str(answer)
    assert refused(rust.update, "facts_update").error_code == "IC0207"
    top_up(replica, rust, TRILLION)
    assert rust.query("get") == 7


def test_a_smaller_threshold_unfreezes(replica, rust):
    """A small update_settings is not charged before it is applied, so that it reaches a frozen canister."""
    settings(replica, rust, freezing_threshold=10**12)
    assert refused(rust.query, "get").error_code == "IC0207"
    settings(replica, rust, freezing_threshold=0)
    assert rust.query("get") == 7


def test_liquid_cycles_are_those_above_the_threshold(replica, rust, other):
    """What a canister may send is its balance above the freezing limit."""
    settings(replica, rust, freezing_threshold=10**11)
    rest = record(replica, rust).cycles - limit(replica, rust)
    arg = candid.encode((0,), did("rust/rust").methods["accept_cycles"].arg_types)
    before = record(replica, other).cycles
    assert "Err" in rust.update("forward", other.id, "accept_cycles", arg, rest, None)
    assert record(replica, other).cycles == before
    assert "Ok" in rust.update("forward", other.id, "accept_cycles", arg, rest - 10**12, None)
    assert limit(replica, rust) > 10 * TRILLION


def test_tasks_of_a_dry_canister_wait(replica, rust):
    """A timer that cannot be paid for runs when the canister has cycles again."""
    rust.update("after", 1)
    record(replica, rust).cycles = 0
    replica.advance_time(SECOND)
    replica.tick(3)
    assert replica.settle()
    assert record(replica, rust).global_timer_ns
    top_up(replica, rust, 10 * TRILLION)
    replica.tick(3)
    assert rust.query("state")["ticks"] == 1


# --- over time -----------------------------------------------------------------------------------------------


def test_storage_is_charged_over_time(replica, rust):
    """A day costs what the status says, by the network's clock; less than the interval costs nothing yet."""
    status = management(replica).query("canister_status", {"canister_id": rust.id})
    burned = status["idle_cycles_burned_per_day"]
    assert burned == status["memory_size"] * 127_000 * 86_400 // GIB > 0
    before = record(replica, rust).cycles
    replica.advance_time(9 * SECOND)
    replica.tick()
    assert record(replica, rust).cycles == before
    replica.advance_time(DAY - 9 * SECOND)
    replica.tick()
    assert before - record(replica, rust).cycles == burned


def test_compute_allocation_is_charged_over_time(replica, rust):
    """Ten million cycles a percent and second."""
    settings(replica, rust, compute_allocation=2, freezing_threshold=1)
    settings(replica, rust, memory_allocation=GIB)
    replica.advance_time(100 * SECOND)
    replica.tick()
    before = record(replica, rust).cycles
    replica.advance_time(100 * SECOND)
    replica.tick()
    assert before - record(replica, rust).cycles == 2 * 10_000_000 * 100 + 127_000 * 100


def test_a_canister_that_cannot_pay_is_uninstalled(replica, rust):
    """Code, state, history entries and the last cycles are gone; the id, its settings and the count of changes stay."""
    settings(replica, rust, memory_allocation=1 << 30)
    record(replica, rust).cycles = 1_000_000
    replica.advance_time(DAY)
    replica.tick()
    found = record(replica, rust)
    assert (found.installed, found.cycles, found.history, found.changes) == (False, 0, [], 2)
    assert (found.settings.memory_allocation, found.settings.controllers) == (0, (ALICE.raw,))
    # Now nothing is left that could be charged.
    replica.advance_time(DAY)
    replica.tick()
    top_up(replica, rust, TRILLION)
    install(replica, rust.id, wasm("rust/rust"), candid.encode((3,), did("rust/rust").init_args))
    assert rust.query("get") == 3


def test_open_calls_of_a_canister_that_ran_dry_are_rejected(replica, rust, other, room):
    """A caller that waits for it gets the reject of an uninstalled canister."""
    room(1)
    with replica.held():
        finish = rust.submit("forward", other.id, "get", NOTHING, 0, None)
        replica.tick()
        record(replica, rust).cycles = 0
        replica.advance_time(DAY)
        replica.tick(4)
    error = refused(finish)
    assert (error.reject_code, error.reject_message) == (4, "Canister has been uninstalled.")


# --- what the subnet has -------------------------------------------------------------------------------------


def test_compute_is_limited(replica, rust, other):
    """299 percent can be given away; a canister must be able to pay for what it asks for."""
    error = refused(lambda: settings(replica, rust, compute_allocation=100))
    assert (error.reject_code, error.error_code) == (5, "IC0530")
    assert error.reject_message.startswith(
        "Cannot increase compute allocation to 100% due to insufficient cycles. At least "
    )
    settings(replica, rust, freezing_threshold=1)
    settings(replica, rust, compute_allocation=100)
    create(replica, settings={"compute_allocation": 100, "freezing_threshold": 1})
    error = refused(lambda: settings(replica, other, compute_allocation=100, freezing_threshold=1))
    assert (error.reject_code, error.error_code) == (1, "IC0101")
    assert error.reject_message.startswith(
        "Canister requested a compute allocation of 100% which cannot be satisfied because the Subnet's remaining "
        "compute capacity is 99%.\nTry moving to another subnet."
    )
    settings(replica, other, compute_allocation=99, freezing_threshold=1)


def test_memory_is_limited(replica, rust):
    """A subnet has 2 TiB; a canister must be able to pay for what it reserves."""
    error = refused(lambda: settings(replica, rust, memory_allocation=3000 * GIB))
    assert (error.reject_code, error.error_code) == (1, "IC0101")
    assert error.reject_message.startswith(
        "Canister requested 2.93 TiB of memory but only 2.00 TiB are available"
    )
    error = refused(lambda: settings(replica, rust, memory_allocation=700 * GIB))
    assert (error.reject_code, error.error_code) == (5, "IC0531")
    assert error.reject_message.startswith(
        "Cannot increase memory allocation to 700.00 GiB due to insufficient cycles. At least "
    )
    assert record(replica, rust).settings.memory_allocation == 0


def test_cycles_are_reserved_on_a_full_subnet(replica, rust):
    """Above 750 GiB memory is paid in advance, up to the canister's limit; storage uses the reserved cycles first."""
    top_up(replica, rust, 10**17)
    settings(replica, rust, memory_allocation=750 * GIB)
    assert record(replica, rust).reserved_cycles == 0
    error = refused(lambda: settings(replica, rust, memory_allocation=800 * GIB))
    assert (error.reject_code, error.error_code) == (5, "IC0533")
    settings(replica, rust, reserved_cycles_limit=10**17)
    settings(replica, rust, memory_allocation=800 * GIB)
    reserved = record(replica, rust).reserved_cycles
    period = 300_000_000 * 50 // (2048 - 750)
    assert reserved == 50 * 127_000 * (period // 2)
    error = refused(lambda: settings(replica, rust, reserved_cycles_limit=reserved - 1))
    assert error.error_code == "IC0540"
    balance = record(replica, rust).cycles
    replica.advance_time(DAY)
    replica.tick()
    assert record(replica, rust).cycles == balance
    assert reserved - record(replica, rust).reserved_cycles == 800 * 127_000 * 86_400
    # Growing beyond the allocation is refused where the limit is reached.
    create(replica, amount=10**18, settings={"memory_allocation": 100 * GIB, "reserved_cycles_limit": 10**18})
    poor = deploy(replica, "rust/rust", 1)
    reserved = record(replica, poor).reserved_cycles
    assert reserved > 0
    settings(replica, poor, reserved_cycles_limit=reserved)
    error = refused(poor.update, "allocate", 100)
    assert error.error_code == "IC0534"
    assert "due to its reserved cycles limit. The current limit (" in error.reject_message


def test_growth_that_would_freeze_traps(replica, rust):
    """A message that takes more memory than the canister can keep for its threshold changes nothing."""
    settings(replica, rust, freezing_threshold=4 * 10**8)
    size = record(replica, rust).memory_used
    record(replica, rust).cycles = limit(replica, rust) + 2 * LONGEST
    error = refused(rust.update, "allocate", 100)
    assert (error.reject_code, error.error_code) == (5, "IC0532")
    assert " due to insufficient cycles. At least " in error.reject_message
    assert record(replica, rust).memory_used - size < 1000  # a line in the log


def test_memory_used_is_what_the_status_says(replica, rust):
    """The bytes that storage is charged for are those of the status after every message."""
    for call in (("allocate", 3), ("print", "x" * 100), ("put", "a", bytes(100_000)), ("add", 1)):
        rust.update(*call)
        status = management(replica).query("canister_status", {"canister_id": rust.id})
        assert status["memory_size"] == record(replica, rust).memory_used


# --- management ----------------------------------------------------------------------------------------------


def test_an_installation_is_paid(replica):
    """An installation pays for the longest one in advance; a canister that cannot is refused by name."""
    poor = create(replica, amount=300 * 10**9)
    error = refused(lambda: install(replica, poor, wasm("rust/rust"), NOTHING))
    assert (error.reject_code, error.error_code) == (2, "IC0207")
    assert error.reject_message.startswith(
        f"Canister installation failed with `Canister {poor} is out of cycles: please top up the canister with at least"
    )
    rich = deploy(replica, "rust/rust", 7)
    paid = 100 * TRILLION - record(replica, rich).cycles
    assert 5_000_000 < paid < 10**10
    before = record(replica, rich).cycles
    assert refused(lambda: install(replica, rich.id, b"\0asm", mode="upgrade")).error_code == "IC0505"
    assert 0 < before - record(replica, rich).cycles < 10**8


def test_chunks_and_snapshots_are_paid(replica, rust):
    """An uploaded chunk costs 200 million instructions, a snapshot two billion and its bytes."""
    before = record(replica, rust).cycles
    management(replica).update("upload_chunk", {"canister_id": rust.id, "chunk": b"x"})
    assert 200_000_000 < before - record(replica, rust).cycles < 203_000_000
    before = record(replica, rust).cycles
    arg = {"canister_id": rust.id, "replace_snapshot": None}
    taken = management(replica).update("take_canister_snapshot", arg)
    paid = before - record(replica, rust).cycles
    assert 0 < paid - 2_000_000_000 - taken["total_size"] < 3_000_000


def test_canisters_pay_for_creation(replica, rust):
    """Of what comes with create_canister the fee is taken; less is refused with everything back."""
    known = management(replica).service.methods["create_canister"]
    arg = candid.encode(({"settings": None},), known.arg_types)
    poor = rust.update("forward", Principal.management(), "create_canister", arg, 499_999_999_999, None)
    assert poor["Err"]["code"] == 4
    assert poor["Err"]["message"].startswith(
        "Creating a canister requires a fee of 500000000000 that is deducted"
    )
    reply = rust.update("forward", Principal.management(), "create_canister", arg, TRILLION, None)
    created = candid.decode(reply["Ok"], known.return_types)[0]["canister_id"]
    assert record(replica, created).cycles == TRILLION // 2


def test_a_minimum_of_cycles_is_asked_of_other_canisters(replica, rust, other):
    """Calls of other canisters with fewer are rejected with code 5 at no cost to the callee; users are not asked."""
    settings(replica, other, minimum_incoming_canister_call_cycles=100)
    before = record(replica, other).cycles
    reply = rust.update("forward", other.id, "get", NOTHING, 99, None)
    assert reply["Err"]["code"] == 5
    assert "requires at least 100 transferred cycles" in reply["Err"]["message"]
    assert record(replica, other).cycles == before
    assert "Ok" in rust.update("forward", other.id, "get", NOTHING, 100, None)
    assert "Ok" in other.update("forward", other.id, "get", NOTHING, 0, None)


# --- what stays ----------------------------------------------------------------------------------------------


def test_charges_survive_a_restart(folder):
    """What was charged, reserved and measured is in the state folder."""
    config = ReplicaConfig(seed=b"kept", clock=ManualClock(), state_dir=folder)
    with Replica(config) as first:
        rust = deploy(first, "rust/rust", 7)
        first.advance_time(DAY)
        first.tick()
        kept, mark = first.state_hash(), record(first, rust)
    with Replica(config) as second:
        found = record(second, rust)
        assert second.state_hash() == kept
        assert (found.cycles, found.memory_used, found.charged_ns) == (
            mark.cycles, mark.memory_used, mark.charged_ns,
        )  # fmt: skip


def test_the_schedule_is_shown(wire):
    """Status and topology of a served replica name the cost schedule."""
    assert set(CostSchedule) == {"normal", "free"}
    with Replica(ReplicaConfig(cost_schedule=CostSchedule.FREE)) as free:
        shown = Wire(free, Ed25519Identity.from_seed(b"b" * 32)).replica.node.subnet
        assert (shown.cost_schedule, shown.fees.execution(10**9)) == ("free", 0)
