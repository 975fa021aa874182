"""A call that was submitted in this process, and what its answer becomes for Python code."""

from __future__ import annotations

import threading

from ic_harness import waiting
from ic_harness.errors import RejectError, ReplicaError
from ic_harness.principal import Principal
from ic_harness.replica.rounds.completions import Completion
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.state.clock import monotonic_s
from ic_harness.replica.state.replicated_state import Answer, Rejected, Request


class PendingUpdate:
    """A call that was submitted; call it to wait for the reply."""

    def __init__(self, node: Node, request: Request, completion: Completion) -> None:
        self._node = node
        self._request = request
        self._completion = completion
        self._turn = threading.RLock()  # once more for a signal's handler that waits while its thread does
        self.origin = request.origin

    @property
    def done(self) -> bool:
        """Whether the reply or reject is there, so that waiting returns at once."""
        return self._completion.done

    def __call__(self, timeout_s: float | None = None) -> bytes:
        """Run rounds until the reply is there; from any number of threads. Raises `RejectError` or `ReplicaError`."""
        end = None if timeout_s is None else monotonic_s() + timeout_s
        if not waiting.acquire(self._turn, timeout_s):
            return reply_of(None, self._request, timeout_s)
        try:
            left_s = None if end is None else max(0.0, end - monotonic_s())
            found = self._node.runner.wait(self._completion, left_s)
        finally:
            self._turn.release()
        return reply_of(found, self._request, timeout_s)


def reply_of(completion: Completion | None, request: Request, timeout_s: float | None) -> bytes:
    """Return the reply of a call that was waited for. Raises `RejectError`, and `ReplicaError` without an answer."""
    if completion is None or completion.answer is None:
        raise ReplicaError(f"no answer from {request.method} within {timeout_s} s")
    return data_of(completion.answer, request)


def data_of(answer: Answer, request: Request) -> bytes:
    """Return the bytes of a reply. Raises `RejectError` for a reject."""
    if isinstance(answer, Rejected):
        raise error_of(answer, request)
    return answer.data


def error_of(answer: Rejected, request: Request) -> RejectError:
    """Return the error of a rejected call."""
    return RejectError(
        answer.code,
        answer.message,
        answer.error_name,
        method=request.method,
        canister=Principal(request.callee).to_text(),
    )
