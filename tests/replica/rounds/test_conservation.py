"""Cycles are conserved to the unit: what was minted is in balances, reserved, on its way, or consumed."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ic_harness import candid
from ic_harness.errors import RejectError
from ic_harness.principal import Principal
from ic_harness.replica import CostSchedule, ManualClock, Replica, ReplicaConfig
from ic_harness.units import GIB, TRILLION
from tests.replica.support import create, deploy, did, install, management, wasm

NOTHING = b"DIDL\0\0"
SECOND = 1_000_000_000
CANISTERS = 3
amounts = st.integers(0, 200 * TRILLION)
canisters = st.integers(0, CANISTERS - 1)
OPERATIONS = st.one_of(
    st.tuples(st.just("call"), canisters, canisters, amounts, amounts, st.sampled_from([None, 1])),
    st.tuples(st.just("trap"), canisters, canisters, amounts),
    st.tuples(st.just("deposit"), canisters, canisters, amounts),
    st.tuples(st.just("top_up"), canisters, st.integers(0, TRILLION)),
    st.tuples(st.just("create"), canisters, amounts),
    st.tuples(st.just("make"), amounts),
    st.tuples(st.just("grow"), canisters, st.integers(1, 5)),
    st.tuples(st.just("allocate"), canisters, st.integers(0, 1500)),
    st.tuples(st.just("drain"), canisters),
    st.tuples(st.just("wait"), st.integers(1, 10**7)),
    st.tuples(st.just("reinstall"), canisters),
    st.tuples(st.just("snapshot"), canisters),
    st.tuples(st.just("timer"), canisters),
    st.tuples(st.just("delete"), canisters),
)


class Ledger:
    """A network of three canisters, and how many cycles were minted on it."""

    def __init__(self, replica):
        self.replica, self.minted = replica, 0
        self.service = did("rust/rust")
        self.all = [deploy(replica, "rust/rust", number) for number in range(CANISTERS)]
        self.minted = CANISTERS * 100 * TRILLION
        self.check()

    def check(self):
        """Nothing is under way, so everything that was minted must be found."""
        state = self.replica.node.state
        kept = sum(canister.cycles + canister.reserved_cycles for canister in state.canisters.values())
        assert kept + state.consumed_cycles == self.minted

    def do(self, name, *values):
        with suppress(RejectError):  # refused: it must have cost what was counted
            getattr(self, name)(*values)
        assert self.replica.settle()
        self.check()

    def encode(self, method, *values):
        return candid.encode(values, self.service.methods[method].arg_types)

    def call(self, caller, callee, cycles, accepted, deadline):
        arg = self.encode("accept_cycles", accepted)
        self.all[caller].update("forward", self.all[callee].id, "accept_cycles", arg, cycles, deadline)

    def trap(self, caller, callee, cycles):
        arg = self.encode("trap", "no")
        self.all[caller].update("forward", self.all[callee].id, "trap", arg, cycles, None)

    def _manage(self, caller, method, cycles, value):
        arg = candid.encode((value,), management(self.replica).service.methods[method].arg_types)
        self.all[caller].update("forward", Principal.management(), method, arg, cycles, None)

    def deposit(self, caller, to, cycles):
        self._manage(caller, "deposit_cycles", cycles, {"canister_id": self.all[to].id})

    def create(self, caller, cycles):
        self._manage(caller, "create_canister", cycles, {"settings": None})

    def make(self, amount):
        create(self.replica, amount=amount)
        self.minted += amount

    def top_up(self, canister, amount):
        argument = {"canister_id": self.all[canister].id, "amount": amount}
        management(self.replica).update("provisional_top_up_canister", argument)
        self.minted += amount

    def grow(self, canister, mebibytes):
        self.all[canister].update("allocate", mebibytes)

    def allocate(self, canister, gibibytes):
        wanted = {"memory_allocation": gibibytes * GIB, "reserved_cycles_limit": 10**18}
        argument = {"canister_id": self.all[canister].id, "settings": wanted}
        management(self.replica).update("update_settings", argument)

    def drain(self, canister):
        """Send nearly everything away, so that later operations find no cycles."""
        balance = self.replica.canister(self.all[canister].id).cycles
        self.deposit(canister, (canister + 1) % CANISTERS, max(0, balance - 100 * 10**9))

    def wait(self, seconds):
        self.replica.advance_time(seconds * SECOND)
        self.replica.tick()

    def reinstall(self, canister):
        install(self.replica, self.all[canister].id, wasm("rust/rust"), self.init(), mode="reinstall")

    def init(self):
        return candid.encode((1,), self.service.init_args)

    def snapshot(self, canister):
        argument = {"canister_id": self.all[canister].id, "replace_snapshot": None}
        management(self.replica).update("take_canister_snapshot", argument)

    def timer(self, canister):
        self.all[canister].update("after", 1)
        self.wait(1)

    def delete(self, canister):
        """Delete a canister of which nothing is left but its last cycles."""
        made = create(self.replica, amount=TRILLION)
        self.minted += TRILLION
        self._manage(canister, "deposit_cycles", 5, {"canister_id": made})
        management(self.replica).update("stop_canister", {"canister_id": made})
        management(self.replica).update("delete_canister", {"canister_id": made})


@given(operations=st.lists(OPERATIONS, min_size=3, max_size=14), free=st.booleans())
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_cycles_are_conserved(operations, free):
    """After every operation, refused ones too, no cycle appeared and none got lost."""
    schedule = CostSchedule.FREE if free else CostSchedule.NORMAL
    with Replica(ReplicaConfig(seed=b"ledger", clock=ManualClock(), cost_schedule=schedule)) as replica:
        ledger = Ledger(replica)
        for name, *values in operations:
            ledger.do(name, *values)


def test_late_answers_are_counted(room):
    """The cycles of a best-effort call that was given up are lost, and counted as consumed."""
    with Replica(ReplicaConfig(seed=b"late", clock=ManualClock())) as replica:
        ledger = Ledger(replica)
        first, second, _ = ledger.all
        room(1)
        with replica.held():
            second.submit("add", 1)
            finish = first.submit("forward", second.id, "get", NOTHING, 5 * TRILLION, 10)
            replica.tick()
            replica.advance_time(11 * SECOND)
            room(100)
            replica.tick(3)
            assert finish()["Err"]["code"] == 6
        ledger.check()
