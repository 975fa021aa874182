"""Retry policy: what is retried, when, and how often; and the agent's real clock and randomness.

A request is only ever sent again as the same bytes, thus with the same request id, so an update never runs
twice (interface specification, "Request id": a replica runs an id once while its expiry is ahead).
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from typing import Final

from ic_harness.agent.transport import Response
from ic_harness.errors import HttpStatusError, TransportError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.units import Nanos

BUSY: Final = frozenset({429, 503})
"""The network works but is overloaded: waiting helps."""

BROKEN: Final = frozenset({408, *range(500, 600)}) - BUSY - {501, 505}
"""The exchange failed; whether the request arrived is not known. Numbers above 511 are those of proxies."""

MAX_RETRY_AFTER_S: Final = 60.0
_SHOWN: Final = 300


def now_ns() -> Nanos:
    """The time of this machine, ns since 1970."""
    return Nanos(time.time_ns())


fresh_nonce: Final = functools.partial(os.urandom, 16)
"""Returns 16 random bytes, so that two equal calls are two requests."""


def jitter() -> float:
    """A factor between a half and one, so that clients that failed together do not return together."""
    from random import uniform  # lazy: start-up time  # noqa: PLC0415

    return uniform(0.5, 1.0)  # noqa: S311 — spreads load, guards nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how long an agent retries; times in seconds.

    `failures` is the number of attempts when requests fail, `busy` when the network is overloaded.
    The delay grows from `first_s` by `factor` up to `longest_s`, each time multiplied by `spread()`.
    """

    failures: int = 4
    busy: int = 12
    first_s: float = 0.2
    factor: float = 2.0
    longest_s: float = 10.0
    spread: Callable[[], float] = jitter

    def delay(self, attempt: int) -> float:
        """Seconds to wait after failure number `attempt` (from 1)."""
        return min(self.longest_s, self.first_s * self.factor ** (attempt - 1)) * self.spread()


NO_RETRIES: Final = RetryPolicy(failures=1, busy=1)
"""One attempt: every failure is raised at once."""


@dataclass(slots=True)
class Attempts:
    """Counts the failures of one request against a policy."""

    policy: RetryPolicy
    failures: int = 0
    busy: int = 0

    def next_delay(
        self, failure: TransportError | HttpStatusError, retry_after_s: float | None
    ) -> float | None:
        """Seconds to wait before the next attempt; None when no attempts are left."""
        if isinstance(failure, HttpStatusError) and failure.status in BUSY:
            self.busy += 1
            attempt, allowed = self.busy, self.policy.busy
        else:
            self.failures += 1
            attempt, allowed = self.failures, self.policy.failures
        if attempt >= allowed:
            return None
        if retry_after_s is not None:
            return retry_after_s if retry_after_s <= MAX_RETRY_AFTER_S else None
        return self.policy.delay(attempt)


def status_error(response: Response) -> HttpStatusError:
    """The error for a response with an unexpected status."""
    text = response.body[: 4 * _SHOWN].decode(errors="replace").strip()
    return HttpStatusError(response.status, text[:_SHOWN] or "(empty body)")


def retryable(response: Response) -> HttpStatusError | None:
    """The error of a response after which a retry makes sense; None for all other responses."""
    return status_error(response) if response.status in BUSY | BROKEN else None


def retry_after_s(response: Response, now: int) -> float | None:
    """The delay in the header `Retry-After`, in seconds from `now` (ns).

    None when it is missing or unreadable.
    """
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    from email.utils import parsedate_to_datetime  # lazy: start-up time  # noqa: PLC0415

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now / 1e9)
    except (ValueError, TypeError, OverflowError):
        return None
