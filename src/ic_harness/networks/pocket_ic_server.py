"""The PocketIC server as a process, and its REST interface.

Relied on, after the server's changelog and help, and the client libraries that its authors publish
(`packages/pocket-ic` of dfinity/ic, `pic-js`); works with servers from 4.0.0:

- `pocket-ic --port-file FILE --ttl SECONDS` listens on loopback; it is ready when FILE, which must not exist
  before, holds its port and a newline. Its file must be called `pocket-ic` or `pocket-ic-server`.
- Bodies are JSON. An operation is answered with 200 or 201 and its result; with 202 and `state_label`, `op_id`
  when it takes long, and then its result is at `/read_graph/LABEL/ID` (404 until then); with 409 when the
  instance is busy with another; otherwise with an error and `message`.
- `processing-timeout-ms` in a request's header is how long the server waits before it answers 202.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from ic_harness.errors import NetworkError
from ic_harness.text import clean, parse_json
from ic_harness.urls import public_url

from .deadline import START_S, Deadline
from .processes import Child, Program

PROGRAM: Final = Program(
    names=("pocket-ic", "pocket-ic-server"),
    variable="POCKET_IC_BIN",
    install="Get pocket-ic from https://github.com/dfinity/pocketic/releases, unpack it, make it executable and "
    "set POCKET_IC_BIN to its path",
)

TTL_S: Final = 600
"""Without a request for so long, the server exits by itself: its owner is gone."""

OPERATION_S: Final = 300.0
"""How long one operation may take, as in the other client libraries."""

MAX_ANSWER: Final = 64 << 20
"""Largest body that is read, in bytes; a reply of 3 MiB is 4 MiB of base64."""

_BUSY, _STARTED, _UNKNOWN = 409, 202, 404


class PocketIcServer:
    """A running PocketIC server at `url`. `child` is its process when it was started here, and ends with it."""

    def __init__(self, url: str, child: Child | None = None, folder: Path | None = None) -> None:
        self.url = url.rstrip("/")
        self._child = child
        # Also when the program ends, or forgets this object, without closing it.
        self._end = weakref.finalize(self, _end, child, folder)
        self._client = httpx.Client(
            base_url=self.url,
            timeout=OPERATION_S + 10,
            trust_env=False,
            headers={
                "processing-timeout-ms": str(int(OPERATION_S * 1000)),
                "accept-encoding": "identity",
            },
        )

    @classmethod
    def start(
        cls, *, environ: Mapping[str, str] | None = None, deadline: Deadline | None = None
    ) -> PocketIcServer:
        """Start a server of its own. Raises `NetworkError` when there is no binary or it does not get ready."""
        environ = os.environ if environ is None else environ
        program = PROGRAM.require(environ)
        folder = Path(tempfile.mkdtemp(prefix="ic-harness-pocket-ic-"))
        child = None
        try:
            port_file = folder / "port"
            child = Child([program, "--port-file", port_file, "--ttl", str(TTL_S)], environ=environ)
            port = _await_port(child, port_file, deadline or Deadline(START_S))
            return cls(f"http://127.0.0.1:{port}", child, folder)
        except BaseException:
            _end(child, folder)
            raise

    @property
    def pid(self) -> int | None:
        """The id of the process that was started here; None for a server of others."""
        return self._child.pid if self._child else None

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Run an operation to its end; returns its result. Raises `NetworkError` when the server refuses."""
        deadline = Deadline(OPERATION_S)
        answer = deadline.wait_for(lambda: self._unless(_BUSY, self._send(method, path, body)))
        if answer is not None and answer.status_code == _STARTED:
            answer = self._await(answer, deadline)
        if answer is None:
            raise NetworkError(f"PocketIC did not finish {method} {path} within {OPERATION_S:.0f} s")
        if not answer.is_success:
            raise NetworkError(
                f"PocketIC refuses {method} {path}: HTTP {answer.status_code} {_reason(answer)}"
            )
        return _json(answer)

    def _await(self, started: httpx.Response, deadline: Deadline) -> httpx.Response | None:
        operation = _json(started)
        where = f"{operation.get('state_label')}/{operation.get('op_id')}"
        answer = deadline.wait_for(lambda: self._unless(_UNKNOWN, self._send("GET", f"/read_graph/{where}")))
        self._send("DELETE", f"/prune_graph/{where}")  # servers before 10.1 keep the result; they answer 404
        return answer

    @staticmethod
    def _unless(status: int, answer: httpx.Response) -> httpx.Response | None:
        return None if answer.status_code == status else answer

    def _send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        try:
            with self._client.stream(method, path, json=body) as answer:
                return _whole(answer)
        except httpx.HTTPError as error:
            ended = self._child is not None and self._child.status() is not None
            why = (
                f"the server has ended; it said: {self._child.said()}"
                if ended and self._child
                else str(error)
            )
            raise NetworkError(f"PocketIC at {public_url(self.url)} does not answer: {why}") from error

    def close(self) -> None:
        """Close the connections, and stop the server if it was started here."""
        self._client.close()
        self._end()


def _end(child: Child | None, folder: Path | None) -> None:
    """Stop the process and remove its folder, if there are any."""
    if child is not None:
        child.stop()
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _await_port(child: Child, path: Path, deadline: Deadline) -> int:
    """Wait until the server has written its port, or has ended."""

    def ask() -> str | None:
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        return text if text.endswith("\n") or child.status() is not None else None

    text = deadline.wait_for(ask)
    name = Path(child.command[0]).name
    if text is None:
        raise NetworkError(f"{name} was not ready within {deadline.seconds:.0f} s; it said: {child.said()}")
    if not text.endswith("\n"):
        raise NetworkError(f"{name} ended with status {child.status()} at once; it said: {child.said()}")
    if not text.strip().isdigit():
        raise NetworkError(f"{name} wrote {text.strip()[:40]!r} as its port")
    return int(text)


def _whole(answer: httpx.Response) -> httpx.Response:
    """Read an answer as it is on the wire, up to `MAX_ANSWER`. Raises `NetworkError` for more, or an encoding."""
    encoding = answer.headers.get("content-encoding", "identity")
    if encoding.strip().lower() not in {"", "identity"}:
        raise NetworkError(f"PocketIC answered with the content encoding {encoding[:40]!r}, not asked for")
    chunks: list[bytes] = []
    size = 0
    for chunk in answer.iter_raw():
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER:
            raise NetworkError(f"PocketIC answered with more than {MAX_ANSWER} bytes")
    content = b"".join(chunks)
    return httpx.Response(answer.status_code, headers=answer.headers, content=content, request=answer.request)


def _json(answer: httpx.Response) -> Any:
    if not answer.content:
        return None
    try:
        return parse_json(answer.content)
    except ValueError as error:
        raise NetworkError(f"PocketIC answered {answer.url.path} with something else than JSON") from error


def _reason(answer: httpx.Response) -> str:
    try:
        return clean(str(parse_json(answer.content)["message"]))[:2000]
    except (ValueError, KeyError, TypeError):
        return clean(answer.content[:300].decode(errors="replace"))
