"""Checks of CA12: every role at every method, as the table in `endpoints.toml` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.checks.scene import BITS, Scene
from ic_capsule.suite.endpoints import ENDPOINTS, Answer, Endpoint
from ic_capsule.suite.stage import Caller, Stage
from ic_harness.errors import BackendError, RejectError
from ic_harness.testing.blame import Blame, blame
from ic_harness.testing.expectations import require
from ic_harness.testing.guarantees import Severity

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
    """Maintenance is for nobody but controllers of the canister, and what is for everybody is."""
    _try_roles(Scene(stage, uploads=False), ("maintenance", "anyone"))


@check("CA12")
def roles_of_a_controller(stage: Stage) -> None:
    """Who controls the canister maintains it, and by its methods reads and changes nobody's capsule."""
    scene = Scene(stage)
    endpoints = [it for it in ENDPOINTS.values() if scene.has(it)]
    controller = {"controller": stage.controller()}
    for endpoint in endpoints:
        _try(scene, endpoint, controller)


def _try_roles(scene: Scene, kinds: tuple[str, ...]) -> None:
    """Let every role but the controller call every method of these kinds; the owner last, who may destroy."""
    people = scene.grant() | {
        "subject": scene.subject,
        "stranger": scene.stage.caller("stranger"),
        "anonymous": scene.stage.anonymous(),
    }
    endpoints = [it for it in ENDPOINTS.values() if it.kind in kinds and scene.has(it)]
    for callers in (people, {"owner": scene.owner}):
        for endpoint in endpoints:
            _try(scene, endpoint, callers)


def _try(scene: Scene, endpoint: Endpoint, callers: Mapping[str, Caller]) -> None:
    """Let callers call one method; what is wrong alike for several of them is told once."""
    let_in, locked_out, otherwise = list[str](), dict[str, str](), dict[str, str]()
    for role, caller in callers.items():
        expected = endpoint.answers[role]
        if expected is Answer.MAY:
            continue
        served, error = _ask(scene, caller, endpoint)
        if expected is Answer.MUST and not served:
            locked_out[role] = "was refused: " + str(error) if error else "showed and did nothing"
        elif expected is Answer.NEVER and served:
            let_in.append(role)
        elif error is not None and expected is Answer.NEVER and not _is_plain(error, endpoint):
            otherwise[role] = f"was refused with {error}"
    require(not let_in, f"{endpoint.name} was accepted from {_told(let_in)}", _LET_IN)
    for told, severity, meaning in (
        (locked_out, Severity.HIGH, _LOCKED_OUT),
        (otherwise, Severity.MEDIUM, "Clients decide by the kind of the error what to do next."),
    ):
        seen = f"{endpoint.name} by {_told(list(told))} {next(iter(told.values()), '')}"
        require(not told, seen, meaning, severity=severity)


def _ask(scene: Scene, caller: Caller, endpoint: Endpoint) -> tuple[bool, BackendError | RejectError | None]:
    """Whether the caller was served, and the error otherwise; a list that shows nothing serves nobody."""
    try:
        result = scene.call(caller, endpoint)
    except (BackendError, RejectError) as error:
        if blame(error) is not Blame.CANISTER:
            raise
        return False, error
    served = scene.shown(endpoint, result) if endpoint.shows else not _is_nothing(result)
    return served, None


def _is_plain(error: BackendError | RejectError, endpoint: Endpoint) -> bool:
    """Whether a refusal is told as one; any other error lets nobody in, and is less severe."""
    if isinstance(error, BackendError):
        return error.tag in _CLOSED
    return endpoint.name in _WITHOUT_ERRORS


_WORDS: Final = {
    "owner": "the owner",
    "subject": "the capsule's subject",
    "controller": "a controller of the canister",
    "stranger": "another user",
    "anonymous": "the anonymous caller",
}
"""How a role that is no permission bit is called in a sentence."""


def _told(roles: list[str]) -> str:
    bits = [role.upper() for role in roles if role in BITS]
    rest = [_WORDS[role] for role in roles if role not in BITS]
    holders = [f"holders of the permission {' or '.join(bits)} alone"] if bits else []
    return ", ".join(rest + holders)


def _is_nothing(result: Any) -> bool:
    """Whether a call of several things at once did none of them, or a page shows none."""
    if getattr(result, "items", None) == []:
        return True
    if hasattr(result, "deleted_count"):
        return bool(result.deleted_count == 0 and result.failed_count)
    if hasattr(result, "ok") and hasattr(result, "failed"):
        return not result.ok
    return False
