"""Outcalls that are truly made, by this machine, over HTTPS."""

from __future__ import annotations

import queue
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx

from ic_harness.replica import Outcall, OutcallAnswer, OutcallFailure, OutcallResponse

TIMEOUT_S: Final = 30.0
FATAL: Final = 1
"""The reject code of what trying again will not mend."""
AT_ONCE: Final = 16
"""Requests that are made at the same time; more wait."""


class Live:
    """Makes requests on threads of its own; `notify` is called when one was answered.

    As the network does: no redirects, no cookies, no decompression, certificates of servers verified.
    """

    def __init__(self, notify: Callable[[], None], certificates: Path | None = None) -> None:
        self._notify = notify
        self._context = ssl.create_default_context(cafile=None if certificates is None else str(certificates))
        self._queue: queue.SimpleQueue[Outcall] = queue.SimpleQueue()
        self._threads = 0
        self._lock = threading.Lock()
        self._under_way: dict[int, Outcall] = {}
        self._answers: dict[int, OutcallAnswer] = {}

    def begin(self, outcall: Outcall) -> None:
        """See `OutcallSource`."""
        with self._lock:
            self._under_way[outcall.number] = outcall
            self._queue.put(outcall)
            more = self._threads < AT_ONCE
            self._threads += more
        if more:
            # A daemon: the end of the process does not wait for a server that does not answer.
            threading.Thread(target=self._serve, name="ic-harness-outcall", daemon=True).start()

    def answered(self) -> list[int]:
        """See `OutcallSource`."""
        with self._lock:
            return sorted(self._answers)

    def answers(self, number: int) -> tuple[OutcallAnswer, ...]:
        """See `OutcallSource`."""
        with self._lock:
            return (self._answers[number],)

    def forget(self, number: int) -> None:
        """See `OutcallSource`."""
        with self._lock:
            self._under_way.pop(number, None)
            self._answers.pop(number, None)

    def working(self) -> bool:
        """See `OutcallSource`."""
        with self._lock:
            return bool(self._under_way)

    def replaced(self) -> None:
        """See `OutcallSource`. Requests that run go on, but their answers are dropped."""
        with self._lock:
            self._under_way.clear()
            self._answers.clear()

    def _serve(self) -> None:
        while True:
            with self._lock:
                if self._queue.empty():
                    self._threads -= 1
                    return
                outcall = self._queue.get()
            self._make(outcall)

    def _make(self, outcall: Outcall) -> None:
        answer = fetch(outcall, self._context)
        with self._lock:
            # The same number may have been given anew after the network was put back.
            if self._under_way.get(outcall.number) is not outcall:
                return
            self._answers[outcall.number] = answer
        self._notify()


def fetch(outcall: Outcall, context: ssl.SSLContext) -> OutcallAnswer:
    """Make one request and return its response; reads no more of it than the outcall takes."""
    try:
        with httpx.Client(verify=context, timeout=TIMEOUT_S, trust_env=False) as client:
            client.headers.clear()
            request = client.build_request(
                outcall.method, outcall.url, headers=list(_headers(outcall)), content=outcall.body or None
            )
            response = client.send(request, stream=True)
            try:
                return _read(response, outcall.max_response_bytes)
            finally:
                response.close()
    except (httpx.HTTPError, OSError) as problem:
        return OutcallFailure(
            f"Connecting to {request_host(outcall)} failed: {str(problem) or type(problem).__name__}"
        )
    except (httpx.InvalidURL, ValueError) as problem:
        return OutcallFailure(f"Failed to parse URL: {problem}", FATAL)


def request_host(outcall: Outcall) -> str:
    """The host of an outcall, for messages: without user, password, path and query."""
    return httpx.URL(outcall.url).host


def _headers(outcall: Outcall) -> list[tuple[str, str]]:
    named = list(outcall.headers)
    if not any(name.lower() == "user-agent" for name, _ in named):
        named.append(("user-agent", "ic/1.0"))
    return named


def _read(response: httpx.Response, most: int) -> OutcallAnswer:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
    headers = tuple((name.lower(), value) for name, value in headers)
    body = bytearray()
    for piece in response.iter_raw():
        body += piece
        if len(body) > most:
            return OutcallFailure(f"Http body exceeds size limit of {most} bytes.", FATAL)
    return OutcallResponse(response.status_code, headers, bytes(body))
