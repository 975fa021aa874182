"""Checks of OP8: texts of every kind in place of every text that a method takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ic_capsule.suite.checks.endpoint_setup import EndpointSetup
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.endpoints import ENDPOINTS, Endpoint
from ic_harness.errors import BackendError, RejectError
from ic_harness.testing.assertions import accepted, require
from ic_harness.testing.blame import Blame, blame

_ODD: Final = {
    "an empty text": "",
    "control characters and other scripts": "\x00\x01\x1b[31m\r\n\x7f\u202e日本語 Ωмир 🌊 e\u0301",
}
_WITHOUT_ERRORS = ("mint_http_token",)
"""Methods whose type has no room for an error: a trap is how they refuse."""


@check("OP8")
def texts_of_every_kind(context: CheckContext) -> None:
    """Whatever a text argument holds, the method answers, and the capsule can be listed and read afterwards."""
    setup = EndpointSetup(context)
    odd = {**_ODD, f"a text of {context.sizes.text / 1e6:g} MB": "x" * context.sizes.text}
    for endpoint in ENDPOINTS.values():
        if setup.has(endpoint) and endpoint.name not in _WITHOUT_ERRORS:
            for place, what, arguments in _variants(endpoint.called_with(setup.values), odd):
                _answers(setup.owner, endpoint, f"{what} as argument {place}", arguments)
    backend = setup.owner.backend
    meaning = "One odd text hides the whole archive."
    accepted("memories_list", lambda: backend.memories_list(setup.capsule, None, None), meaning)
    accepted("memories_read", lambda: backend.memories_read(setup.memory), meaning)


def _variants(arguments: list[Any], texts: Mapping[str, str]) -> Iterator[tuple[int, str, list[Any]]]:
    """The arguments with each text replaced by each odd one; a list of texts becomes a list of one."""
    for index, argument in enumerate(arguments):
        is_list = isinstance(argument, list) and argument and isinstance(argument[0], str)
        if is_list or type(argument) is str:
            for what, odd in texts.items():
                changed = [odd] if is_list else odd
                yield index + 1, what, [*arguments[:index], changed, *arguments[index + 1 :]]


def _answers(caller: Caller, endpoint: Endpoint, what: str, arguments: list[Any]) -> None:
    try:
        getattr(caller.backend, endpoint.name)(*arguments)
    except BackendError:
        return
    except RejectError as error:
        if blame(error) is not Blame.CANISTER:
            raise
        require(
            holds=False,
            what=f"{endpoint.name} with {what} made the canister trap: {error.reject_message}",
            meaning="A client cannot tell a wrong text from a broken canister.",
        )
