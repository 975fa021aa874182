"""Checks of OP7, OP9 and OP10: what an upgrade and a repeated call leave as it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from ic_capsule.suite.checks.endpoint_setup import EndpointSetup
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.endpoints import ENDPOINTS, Endpoint
from ic_capsule.suite.sample_data import content
from ic_harness.errors import BackendError, RejectError
from ic_harness.testing.assertions import equal, require
from ic_harness.testing.blame import Blame, blame

_PAGE: Final = 65_536
_VOLATILE: Final = re.compile(r"token='[^']*'|expires_at_ns=\d+|certificate=:[^:]*:")
"""Parts that differ between two replies of one query: fresh tokens, and certificates with their time."""
_TIMES: Final = re.compile(r"(updated|last_activity)_at=\d+")
_MINTS: Final = ("mint_http_token", "mint_http_tokens_bulk")


@check("OP7")
def an_upgrade_rewrites_nothing(context: CheckContext) -> None:
    """An upgrade to the build that runs already keeps stable memory byte for byte."""
    alice = context.caller()
    alice.remember(content(1000))
    session = alice.begin(2)
    alice.put(session, content(100).chunks(50), [0])
    context.stable_memory()
    context.upgrade()  # what has to be migrated is migrated now
    before = context.stable_memory()
    context.upgrade()
    after = context.stable_memory()
    equal(len(after), len(before), "bytes of stable memory after an upgrade to the same build")
    changed = [at for at in range(0, len(before), _PAGE) if before[at : at + _PAGE] != after[at : at + _PAGE]]
    require(
        not changed,
        f"an upgrade to the same build rewrote {len(changed)} of {len(before) // _PAGE} pages of stable memory, "
        f"the first at byte {changed[0] if changed else 0:,}",
    )


@check("OP9")
def the_same_call_again(context: CheckContext) -> None:
    """A call that is made again with the same arguments leaves capsule and memory as the first left them."""
    setup = EndpointSetup(context)
    for endpoint in ENDPOINTS.values():
        if not endpoint.is_query and endpoint.kind not in ("unjudged", "maintenance") and setup.has(endpoint):
            _make(setup, endpoint)
            before = _state(setup)
            _make(setup, endpoint)
            after = _state(setup)
            changed = sorted({name for name, _ in before.items() ^ after.items()})
            require(not changed, f"{endpoint.name}, called again, changed {', '.join(changed)}", _UNMEANT)


def _make(setup: EndpointSetup, endpoint: Endpoint) -> None:
    """Make a call that may be refused, such as the second delete."""
    try:
        setup.call(setup.owner, endpoint)
    except (BackendError, RejectError) as error:
        if blame(error) is not Blame.CANISTER:
            raise
        require(
            isinstance(error, BackendError),
            f"{endpoint.name}, called again, made the canister trap: {error}",
        )


_UNMEANT: Final = "A client that lost a reply and asks again changes what it did not mean to."


def _state(setup: EndpointSetup) -> dict[str, str]:
    """What the owner sees of the capsule and its memories, field by field, without the times of the last change."""
    return _fields(lambda: setup.owner.backend.capsules_read_full(setup.capsule))


def _fields(call: Callable[[], Any]) -> dict[str, str]:
    try:
        told = call()
    except BackendError as error:
        return {"refused": error.tag}
    return {
        name: _text(getattr(told, name))
        for name in type(told).model_fields
        if name not in ("updated_at", "owners")  # owners have the time of their last call
    }


def _text(value: Any) -> str:
    """A value without times; the order of a list is not what this is about."""
    told = sorted(map(repr, value)) if isinstance(value, list) else repr(value)
    return _TIMES.sub("", str(told))


@check("OP10")
def queries_after_an_upgrade(context: CheckContext) -> None:
    """After an upgrade every query answers as before it: maintenance to a controller, all others to the owner."""
    setup = EndpointSetup(context)
    controller = context.controller()
    queries = [it for it in ENDPOINTS.values() if it.is_query and it.name not in _MINTS and setup.has(it)]
    callers = {it.name: controller if it.kind == "maintenance" else setup.owner for it in queries}
    before = {it.name: _answer(setup, callers[it.name], it) for it in queries}
    context.upgrade()
    for name, told in before.items():
        after = _answer(setup, callers[name], ENDPOINTS[name])
        require(
            after == told,
            f"{name} answers otherwise after an upgrade: {_difference(told, after)}",
            "A deploy changes what users see.",
        )


def _answer(setup: EndpointSetup, caller: Caller, endpoint: Endpoint) -> str:
    """The answer as text, or how it was refused."""
    try:
        return _VOLATILE.sub("", repr(setup.call(caller, endpoint)))
    except BackendError as error:
        return f"refused: {error.tag}"
    except RejectError as error:
        if blame(error) is not Blame.CANISTER:
            raise
        return "trapped"


def _difference(before: str, after: str) -> str:
    """Where two answers begin to differ, with a few characters of each."""
    at = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), 0)
    start = max(0, at - _SHOWN // 2)
    return f"{before[start : at + _SHOWN]!r} before, {after[start : at + _SHOWN]!r} after"


_SHOWN: Final = 40
