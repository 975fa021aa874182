"""Management calls return their effects; queues, timers and deadlines change when the scheduler applies them."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.replica.execution import Interrupted
from ic_harness.replica.management import ManagementCanister, code
from ic_harness.replica.state.replicated_state import FromPythonApi, Rejected, Request, Status
from tests.replica.support import ALICE, MANAGEMENT, create, management


@pytest.fixture
def scheduler(replica):
    return replica.node.scheduler


def called(replica, method, argument, ticket=1):
    """A management call by ALICE, as the scheduler takes it from its queue."""
    types = management(replica).service.methods[method].arg_types
    return Request(
        origin=FromPythonApi(ticket),
        caller=ALICE.raw,
        callee=MANAGEMENT.raw,
        method=method,
        arg=candid.encode((argument,), types),
    )


def indexes(scheduler):
    """What belongs to the scheduler: a handler must not change it."""
    changes = scheduler.changes
    return (
        set(scheduler.ready),
        dict(scheduler.timers),
        set(scheduler.heartbeats),
        set(scheduler.stopping),
        list(scheduler.leaving),
        scheduler.expiring.earliest_ns,
        set(changes.canisters),
        set(changes.replaced),
        dict(changes.answers),
    )


def test_stopping_is_an_effect(replica, scheduler):
    """stop_canister changes the canister's record only; the scheduler watches it after it applied the effects."""
    canister = create(replica)
    before = indexes(scheduler)
    effects = ManagementCanister().execute(
        scheduler, called(replica, "stop_canister", {"canister_id": canister})
    )
    assert replica.canister(canister).status is Status.STOPPING
    assert indexes(scheduler) == before
    assert (list(effects.changed), effects.outputs, effects.rejected) == ([canister.raw], [], [])
    scheduler.apply(effects)
    assert scheduler.stopping == {canister.raw}
    assert scheduler.expiring.earliest_ns is not None


def test_a_reject_is_an_effect(replica, scheduler):
    """A rejected call changes nothing, and its answer waits in the effects."""
    canister = create(replica)
    before = indexes(scheduler)
    effects = ManagementCanister().execute(
        scheduler, called(replica, "delete_canister", {"canister_id": canister})
    )
    assert indexes(scheduler) == before
    (rejected,) = effects.rejected
    assert isinstance(rejected.answer, Rejected)
    assert rejected.answer.error_code == 510
    assert (effects.changed, effects.deleted, effects.outputs) == ({}, [], [])


def test_deleting_is_an_effect(replica, scheduler):
    """A deleted canister leaves the indexes when the effects are applied."""
    canister = create(replica)
    management(replica).update("stop_canister", {"canister_id": canister})
    scheduler.ready.add(canister.raw)
    before = indexes(scheduler)
    effects = ManagementCanister().execute(
        scheduler, called(replica, "delete_canister", {"canister_id": canister})
    )
    assert (effects.deleted, effects.memory_replaced) == ([canister.raw], {canister.raw})
    assert indexes(scheduler) == before
    scheduler.apply(effects)
    assert canister.raw not in scheduler.ready
    assert canister.raw in scheduler.changes.replaced


def test_an_interrupted_call_answers_nothing(replica, scheduler, monkeypatch):
    """The effects of an interrupted call are incomplete and hold no answer, so that the scheduler executes it again."""
    canister = create(replica)

    def interrupted(call, canister):
        call.changed(canister)
        call.effects.reject(call.request, None)
        raise Interrupted

    monkeypatch.setattr(code, "uninstall", interrupted)
    effects = ManagementCanister().execute(
        scheduler, called(replica, "uninstall_code", {"canister_id": canister})
    )
    assert not effects.complete
    assert (effects.rejected, effects.outputs, effects.outcalls) == ([], [], [])
    assert list(effects.changed) == [canister.raw]
