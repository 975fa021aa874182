"""Checks of CA12: every role at every method, as the table in `endpoints.toml` says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ic_harness.conformance.blame import Blame, blame
from ic_harness.conformance.checks.registry import check
from ic_harness.conformance.checks.scene import BITS, Scene
from ic_harness.conformance.endpoints import ENDPOINTS, ROLES, Answer, Endpoint
from ic_harness.conformance.expectations import UnmetNeedError, part, require
from ic_harness.conformance.guarantees import Severity
from ic_harness.conformance.stage import Caller, Stage
from ic_harness.errors import BackendError, RejectError

_CLOSED = ("NotFound", "Unauthorized")
_WITHOUT_ERRORS = ("mint_http_token",)
"""Methods whose type has no room for an error: they refuse by a trap."""
_LET_IN = "Somebody whom nobody let in reads, changes or deletes what is another's."
_LOCKED_OUT = "Somebody who has the right to it is refused."


@check("CA12")
def roles_of_a_capsule(stage: Stage) -> None:
    """A capsule is its owner's, also for who may do something with one of its memories."""
    _try_roles(Scene(stage), ("capsule", "shows"))


@check("CA12")
def roles_of_a_memory(stage: Stage) -> None:
    """A permission bit on a memory gives what it is called after, and nothing more."""
    kinds = ("memory-view", "shows-memory", "memory-change", "memory-change-maybe", "memory-delete")
    _try_roles(Scene(stage, uploads=False), kinds)


@check("CA12")
def roles_of_blobs_and_uploads(stage: Stage) -> None:
    """Blobs and open uploads are for who made them, also when others may see a memory of the capsule."""
    _try_roles(Scene(stage), ("blob", "blob-maybe", "session"))


@check("CA12")
def roles_of_maintenance(stage: Stage) -> None:
    """Maintenance is for controllers of the canister, and what is for everybody is."""
    _try_roles(Scene(stage, uploads=False), ("maintenance", "anyone"))


def _try_roles(scene: Scene, kinds: tuple[str, ...]) -> None:
    """Let every role call every method of these kinds, those last who may destroy."""
    people = _people(scene)
    endpoints = [it for it in ENDPOINTS.values() if it.kind in kinds and scene.has(it)]
    for role in reversed(ROLES):
        if role in people:
            _try_role(scene, role, people[role], endpoints)


def _people(scene: Scene) -> dict[str, Caller]:
    people = scene.grant() | {
        "owner": scene.owner,
        "subject": scene.subject,
        "stranger": scene.stage.caller("stranger"),
        "anonymous": scene.stage.anonymous(),
    }
    with part():
        people["controller"] = scene.stage.controller()
    return people


def _try_role(scene: Scene, role: str, caller: Caller, endpoints: Iterable[Endpoint]) -> None:
    for endpoint in endpoints:
        expected = endpoint.answers[role]
        if expected is not Answer.MAY:
            _try(scene, role, caller, endpoint, expected)


def _try(scene: Scene, role: str, caller: Caller, endpoint: Endpoint, expected: Answer) -> None:
    who = f"who has only the permission {role.upper()}" if role in BITS else f"the {role}"
    try:
        result = scene.call(caller, endpoint)
    except (BackendError, RejectError) as error:
        if blame(error) is not Blame.CANISTER:
            raise
        if expected is Answer.MUST or endpoint.shows:
            told = f"{endpoint.name} by {who} was refused: {error}"
            require(holds=False, what=told, meaning=_LOCKED_OUT, severity=Severity.HIGH)
        else:
            _refused(error, endpoint, who)
        return
    served = scene.shown(endpoint, result) if endpoint.shows else not _is_nothing(result)
    if expected is Answer.MUST:
        what = f"{endpoint.name} by {who} does nothing"
        require(served, what, _LOCKED_OUT, severity=Severity.HIGH)
    else:
        require(not served, f"{endpoint.name} by {who} was accepted", _LET_IN)


def _refused(error: BackendError | RejectError, endpoint: Endpoint, who: str) -> None:
    """A refusal is told as one; any other error lets nobody in, and is less severe."""
    if isinstance(error, BackendError):
        plain = error.tag in _CLOSED
    else:
        plain = endpoint.name in _WITHOUT_ERRORS
    told = f"{endpoint.name} by {who} was refused with {error}, expected {' or '.join(_CLOSED)}"
    require(plain, told, "Clients decide by the kind of the error what to do next.", severity=Severity.MEDIUM)


def _is_nothing(result: Any) -> bool:
    """Whether a call of several things at once did none of them."""
    if hasattr(result, "deleted_count"):
        return bool(result.deleted_count == 0 and result.failed_count)
    if hasattr(result, "ok") and hasattr(result, "failed"):
        return not result.ok
    return False
