"""Checks of CA12: every role at every method, as the table in `endpoints.toml` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ic_capsule.suite.checks.endpoint_setup import BITS, EndpointSetup
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.endpoints import ENDPOINTS, Access, Endpoint
from ic_harness.errors import BackendError, RejectError
from ic_harness.testing.assertions import require
from ic_harness.testing.blame import Blame, blame
from ic_harness.testing.guarantees import Severity

_CLOSED = ("NotFound", "Unauthorized")
_WITHOUT_ERRORS = ("mint_http_token",)
"""Methods whose type has no room for an error: they refuse by a trap."""
_LET_IN = "A caller without any right reads, changes or deletes data of another."
_LOCKED_OUT = "A caller who has the right to it is refused."


@check("CA12")
def roles_of_a_capsule(context: CheckContext) -> None:
    """A capsule is its owner's, also for who may do something with one of its memories."""
    _try_roles(EndpointSetup(context), ("capsule", "shows"))


@check("CA12")
def roles_of_a_memory(context: CheckContext) -> None:
    """A permission bit on a memory grants the right that it is named after, and no other."""
    kinds = ("memory-view", "shows-memory", "memory-change", "memory-change-maybe", "memory-delete")
    _try_roles(EndpointSetup(context, uploads=False), kinds)


@check("CA12")
def roles_of_blobs_and_uploads(context: CheckContext) -> None:
    """Blobs and open uploads are for who made them, also when others may see a memory of the capsule."""
    _try_roles(EndpointSetup(context), ("blob", "blob-maybe", "session"))


@check("CA12")
def roles_of_maintenance(context: CheckContext) -> None:
    """Maintenance is for controllers of the canister only, and public methods serve every caller."""
    _try_roles(EndpointSetup(context, uploads=False), ("maintenance", "anyone"))


@check("CA12")
def roles_of_a_controller(context: CheckContext) -> None:
    """Controllers maintain the canister, and read or change no user's capsule by its methods."""
    setup = EndpointSetup(context)
    endpoints = [it for it in ENDPOINTS.values() if setup.has(it)]
    controller = {"controller": context.controller()}
    for endpoint in endpoints:
        _try(setup, endpoint, controller)


def _try_roles(setup: EndpointSetup, kinds: tuple[str, ...]) -> None:
    """Let every role but the controller call every method of these kinds; the owner last, who may destroy."""
    people = setup.grant() | {
        "subject": setup.subject,
        "stranger": setup.context.caller("stranger"),
        "anonymous": setup.context.anonymous(),
    }
    endpoints = [it for it in ENDPOINTS.values() if it.kind in kinds and setup.has(it)]
    for callers in (people, {"owner": setup.owner}):
        for endpoint in endpoints:
            _try(setup, endpoint, callers)


def _try(setup: EndpointSetup, endpoint: Endpoint, callers: Mapping[str, Caller]) -> None:
    """Let callers call one method; an error that several of them share is reported once."""
    let_in, locked_out, otherwise = list[str](), dict[str, str](), dict[str, str]()
    for role, caller in callers.items():
        expected = endpoint.answers[role]
        if expected is Access.MAY:
            continue
        served, error = _ask(setup, caller, endpoint)
        if expected is Access.MUST and not served:
            locked_out[role] = "was refused: " + str(error) if error else "showed and did nothing"
        elif expected is Access.NEVER and served:
            let_in.append(role)
        elif error is not None and expected is Access.NEVER and not _is_plain(error, endpoint):
            otherwise[role] = f"was refused with {error}"
    require(not let_in, f"{endpoint.name} was accepted from {_told(let_in)}", _LET_IN)
    for wrong, severity, meaning in (
        (locked_out, Severity.HIGH, _LOCKED_OUT),
        (otherwise, Severity.MEDIUM, "Clients decide by the kind of the error what to do next."),
    ):
        seen = f"{endpoint.name} by {_told(list(wrong))} {next(iter(wrong.values()), '')}"
        require(not wrong, seen, meaning, severity=severity)


def _ask(
    setup: EndpointSetup, caller: Caller, endpoint: Endpoint
) -> tuple[bool, BackendError | RejectError | None]:
    """Return whether the caller was served, and the error otherwise; an empty list serves no caller."""
    try:
        result = setup.call(caller, endpoint)
    except (BackendError, RejectError) as error:
        if blame(error) is not Blame.CANISTER:
            raise
        return False, error
    served = setup.shown(endpoint, result) if endpoint.shows else not _is_nothing(result)
    return served, None


def _is_plain(error: BackendError | RejectError, endpoint: Endpoint) -> bool:
    """Whether an error is a refusal by its kind; any other error grants no access, and is less severe."""
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
