"""Outcalls in a file: recorded once, answered from it afterwards, so that tests need no network.

The file is JSON: a list of entries with `request` (method, url, headers, body) and `response` or `failure`; bodies are
base64. Entries of equal requests are used in their order, the last one again and again. Secret headers are blanked.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import OutcallError
from ic_harness.networks.outcalls.live import FATAL
from ic_harness.replica import (
    ImmediateOutcalls,
    Outcall,
    OutcallAnswer,
    OutcallFailure,
    OutcallResponse,
    OutcallSource,
)

BLANK: Final = "(secret)"


class Recording:
    """Keeps what `source` answers in a file, which is written anew, as a whole, after each answer."""

    def __init__(self, source: OutcallSource, path: Path, secrets: Iterable[str]) -> None:
        self._source = source
        self._path = path
        self._secrets = {name.lower() for name in secrets}
        self._under_way: dict[int, Outcall] = {}
        self._entries: list[dict[str, Any]] = []

    def begin(self, outcall: Outcall) -> None:
        """See `OutcallSource`."""
        self._under_way[outcall.number] = outcall
        self._source.begin(outcall)

    def answered(self) -> list[int]:
        """See `OutcallSource`."""
        return self._source.answered()

    def answers(self, number: int) -> tuple[OutcallAnswer, ...]:
        """See `OutcallSource`."""
        return self._source.answers(number)

    def forget(self, number: int) -> None:
        """See `OutcallSource`. Keeps the answer, if there was one."""
        outcall = self._under_way.pop(number, None)
        if outcall is not None and number in self._source.answered():
            (answer,) = self._source.answers(number)
            self._entries.append({"request": self._request(outcall), **self._answer(answer)})
            self._write()
        self._source.forget(number)

    def working(self) -> bool:
        """See `OutcallSource`."""
        return self._source.working()

    def replaced(self) -> None:
        """See `OutcallSource`."""
        self._under_way.clear()
        self._source.replaced()

    def _write(self) -> None:
        """Raises `OutcallError` when the file cannot be written."""
        text = json.dumps(self._entries, indent=1, ensure_ascii=False)
        beside = self._path.with_name(self._path.name + ".new")
        try:
            beside.write_text(text + "\n", encoding="utf-8")
            beside.replace(self._path)
        except OSError as problem:
            raise OutcallError(
                f"the recording of outcalls {self._path} cannot be written: {problem}"
            ) from None

    def _request(self, outcall: Outcall) -> dict[str, Any]:
        return {
            "method": outcall.method,
            "url": outcall.url,
            "headers": self._named(outcall.headers),
            "body": base64.b64encode(outcall.body).decode(),
        }

    def _answer(self, answer: OutcallAnswer) -> dict[str, Any]:
        if isinstance(answer, OutcallFailure):
            return {"failure": {"message": answer.message, "code": answer.code}}
        body = base64.b64encode(answer.body).decode()
        return {"response": {"status": answer.status, "headers": self._named(answer.headers), "body": body}}

    def _named(self, headers: Iterable[tuple[str, str]]) -> list[list[str]]:
        return [[name, BLANK if name.lower() in self._secrets else value] for name, value in headers]


class Replaying(ImmediateOutcalls):
    """Answers from a recording. Raises `OutcallError` when the file cannot be read or is no recording."""

    def __init__(self, path: Path) -> None:
        super().__init__(self._find)
        self._path = path
        self._entries = _read(path)

    def _find(self, outcall: Outcall) -> tuple[OutcallAnswer, ...]:
        key = _key(outcall.method, outcall.url, outcall.body)
        found = self._entries.get(key)
        if found is None:
            text = f"{outcall.method} {outcall.url} is not in the recording {self._path}: record it again"
            return (OutcallFailure(text, FATAL),)
        return (found.pop(0) if len(found) > 1 else found[0],)


def _key(method: str, url: str, body: bytes) -> tuple[str, str, bytes]:
    return method, url, body


def _read(path: Path) -> dict[tuple[str, str, bytes], list[OutcallAnswer]]:
    entries: dict[tuple[str, str, bytes], list[OutcallAnswer]] = {}
    try:
        for entry in json.loads(path.read_text(encoding="utf-8")):
            request = entry["request"]
            key = _key(request["method"], request["url"], base64.b64decode(request["body"], validate=True))
            entries.setdefault(key, []).append(_answer_of(entry))
    except OSError as problem:
        raise OutcallError(f"the recording of outcalls {path} cannot be read: {problem}") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, binascii.Error) as problem:
        raise OutcallError(f"{path} is no recording of outcalls: {problem!r}") from None
    return entries


def _answer_of(entry: dict[str, Any]) -> OutcallAnswer:
    if "failure" in entry:
        return OutcallFailure(str(entry["failure"]["message"]), int(entry["failure"]["code"]))
    response = entry["response"]
    headers = tuple((str(name), str(value)) for name, value in response["headers"])
    return OutcallResponse(
        int(response["status"]), headers, base64.b64decode(response["body"], validate=True)
    )
