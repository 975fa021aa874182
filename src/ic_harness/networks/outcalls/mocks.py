"""What a test says of outcalls: rules that answer them, and a list of what was asked.

    network.outcalls.when("GET", "https://api.example.com/price").reply(200, json={"price": 42})

The first rule that fits an outcall and is not used up answers it. Outcalls that no rule fits go to the fallback,
which refuses them unless the test lets them leave (`live`) or replays a recording.
"""

from __future__ import annotations

import json as json_module
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks.outcalls.cassettes import Recording, Replaying
from ic_harness.networks.outcalls.live import Live
from ic_harness.replica import (
    ImmediateOutcalls,
    Outcall,
    OutcallAnswer,
    OutcallFailure,
    OutcallResponse,
    OutcallSource,
    RefusingOutcalls,
    Replica,
)

TRANSIENT: Final = 2
UrlPattern: TypeAlias = "str | re.Pattern[str] | None"
Headers: TypeAlias = "Mapping[str, str] | Iterable[tuple[str, str]]"


class OutcallRule:
    """One rule: which outcalls it is about, and how it answers them. `uses` counts those that it answered."""

    def __init__(
        self, method: str | None, url: UrlPattern, matching: Callable[[Outcall], bool] | None
    ) -> None:
        self._method = None if method is None else method.upper()
        self._url = url
        self._matching = matching
        self._answers: Callable[[Outcall], tuple[OutcallAnswer, ...]] | None = None
        self._most: int | None = None
        self.uses = 0

    def reply(
        self, status: int = 200, body: bytes | str = b"", *, json: Any = None, headers: Headers = ()
    ) -> OutcallRule:
        """Answer with this response; `json` is a value that is sent as JSON instead of `body`."""
        response = make_response(status, body, json=json, headers=headers)
        self._answers = lambda _: (response,)
        return self

    def calls(self, function: Callable[[Outcall], OutcallResponse]) -> OutcallRule:
        """Answer with what `function` returns for the outcall; it runs on the replica's thread and must be quick."""
        self._answers = lambda outcall: (_called(function, outcall),)
        return self

    def fail(self, message: str, code: int = TRANSIENT) -> OutcallRule:
        """Answer with a failure: reject code 1 (fatal) or 2 (transient) and a text."""
        failure = OutcallFailure(message, code)
        self._answers = lambda _: (failure,)
        return self

    def disagree(self, *responses: OutcallResponse) -> OutcallRule:
        """Let the nodes get different responses, in equal shares; the transform function sees each of them.

        Raises `ValueError` for fewer than two responses.
        """
        if len(responses) < 2:
            raise ValueError("nodes disagree over two or more responses")
        self._answers = lambda _: responses
        return self

    def times(self, most: int) -> OutcallRule:
        """Answer at most so many outcalls; later ones go to the next rule that fits."""
        self._most = most
        return self

    def fits(self, outcall: Outcall) -> bool:
        """Whether this rule answers an outcall."""
        if self._answers is None or (self._most is not None and self.uses >= self._most):
            return False
        if self._method is not None and self._method != outcall.method:
            return False
        if isinstance(self._url, str) and self._url != outcall.url:
            return False
        if isinstance(self._url, re.Pattern) and not self._url.search(outcall.url):
            return False
        return self._matching is None or self._matching(outcall)

    def answer(self, outcall: Outcall) -> tuple[OutcallAnswer, ...]:
        """The answers of the nodes to an outcall that fits."""
        assert self._answers is not None
        self.uses += 1
        return self._answers(outcall)


def make_response(
    status: int = 200, body: bytes | str = b"", *, json: Any = None, headers: Headers = ()
) -> OutcallResponse:
    """A response from ordinary values; text is sent as UTF-8."""
    named = tuple(headers.items() if isinstance(headers, Mapping) else headers)
    if json is not None:
        body = json_module.dumps(json)
        if not any(name.lower() == "content-type" for name, _ in named):
            named = (*named, ("content-type", "application/json"))
    return OutcallResponse(status, named, body.encode() if isinstance(body, str) else body)


def _called(function: Callable[[Outcall], OutcallResponse], outcall: Outcall) -> OutcallAnswer:
    try:
        return function(outcall)
    except Exception as problem:  # noqa: BLE001  the test's own code: the canister sees it as a failure
        return OutcallFailure(f"the function that answers {outcall.method} {outcall.url} raised {problem!r}")


@dataclass(frozen=True, slots=True)
class OutcallOrders:
    """What was said of outcalls at a moment."""

    rules: tuple[OutcallRule, ...]
    fallback: OutcallSource


class Outcalls:
    """The outcalls of one network. `requests` are all that were made, `unmatched` those that no rule answered."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._rules: list[OutcallRule] = []
        self._mocked = ImmediateOutcalls(self._decide)
        self._fallback: OutcallSource = RefusingOutcalls()
        self.requests: list[Outcall] = []
        self.unmatched: list[Outcall] = []
        replica.answer_outcalls(self)

    # --- for tests ------------------------------------------------------------------------------------------

    def when(
        self,
        method: str | None = None,
        url: UrlPattern = None,
        *,
        matching: Callable[[Outcall], bool] | None = None,
    ) -> OutcallRule:
        """Begin a rule for outcalls of this method and URL (a text: exactly this one; a pattern: searched).

        `matching` is asked besides. The rule answers nothing until it is told how, for example by `reply`.
        """
        rule = OutcallRule(method, url, matching)
        self._rules = [*self._rules, rule]
        return rule

    def live(self, *, certificates: Path | None = None) -> None:
        """Make requests that no rule answers on this machine's network; `certificates`: a PEM file to trust."""
        self._fall_back(Live(self._replica.outcall_answered, certificates))

    def record(
        self, path: Path, *, secrets: Iterable[str] = ("authorization", "cookie", "x-api-key")
    ) -> None:
        """Make requests truly and write them and their responses into the file `path`, secret headers blanked."""
        self._fall_back(Recording(Live(self._replica.outcall_answered), path, secrets))

    def replay(self, path: Path) -> None:
        """Answer requests that no rule answers from a recording. Raises `OutcallError` when it cannot be read."""
        self._fall_back(Replaying(path))

    def reset(self) -> None:
        """Forget all rules and what was asked; refuse from now on what no rule answers."""
        self._rules = []
        self.requests, self.unmatched = [], []
        if not isinstance(self._fallback, RefusingOutcalls):
            self._fall_back(RefusingOutcalls())

    def orders(self) -> OutcallOrders:
        """What was said so far, for `restore`."""
        return OutcallOrders(tuple(self._rules), self._fallback)

    def restore(self, orders: OutcallOrders | None) -> None:
        """Go back to what was said at a moment; None: to the beginning. What was asked since is forgotten."""
        self.reset()
        if orders is not None:
            self._rules = list(orders.rules)
            if orders.fallback is not self._fallback:
                self._fall_back(orders.fallback)

    def _fall_back(self, source: OutcallSource) -> None:
        self._fallback = source
        self._replica.answer_outcalls(self)

    # --- for the replica: see `OutcallSource` -----------------------------------------------------------------

    def begin(self, outcall: Outcall) -> None:
        """See `OutcallSource`."""
        self.requests.append(outcall)
        if any(rule.fits(outcall) for rule in self._rules):
            self._mocked.begin(outcall)
        else:
            self.unmatched.append(outcall)
            self._fallback.begin(outcall)

    def answered(self) -> list[int]:
        """See `OutcallSource`."""
        return sorted([*self._mocked.answered(), *self._fallback.answered()])

    def answers(self, number: int) -> tuple[OutcallAnswer, ...]:
        """See `OutcallSource`."""
        return self._source(number).answers(number)

    def forget(self, number: int) -> None:
        """See `OutcallSource`."""
        self._mocked.forget(number)
        self._fallback.forget(number)

    def working(self) -> bool:
        """See `OutcallSource`."""
        return self._fallback.working()

    def replaced(self) -> None:
        """See `OutcallSource`."""
        self._mocked.replaced()
        self._fallback.replaced()

    def _source(self, number: int) -> OutcallSource:
        return self._mocked if number in self._mocked.answered() else self._fallback

    def _decide(self, outcall: Outcall) -> tuple[OutcallAnswer, ...]:
        for rule in self._rules:
            if rule.fits(outcall):
                return rule.answer(outcall)
        return (OutcallFailure(f"no rule answers {outcall.method} {outcall.url} any more"),)
