"""A failure as a test: Python code that makes the same calls, on a network that begins in the same state.

The test needs no file but the contents beside it, which are Wasm modules. It fails as the failing test did: by the same
reject, or because the last call is answered as it was. Once the canister answers differently the test passes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

from ic_harness.candid import decode, format_values, message_types
from ic_harness.errors import CandidError, InputError
from ic_harness.files import write_atomically
from ic_harness.principal import Principal
from ic_harness.protocol import leb128_encode
from ic_harness.replica.recording import (
    MANAGEMENT,
    ROUND_INSTRUCTIONS,
    SLICE_INSTRUCTIONS,
    Query,
    Refusal,
    Rejected,
    Replied,
    Round,
    StableReplaced,
)
from ic_harness.text import one_line

from .blob_pieces import module_within
from .failure_file import Failure
from .recorded_calls import RecordedCall, calls_of, described

_LONG: Final = 2048
"""Bytes from which on an argument is a file beside the test."""
_COMMENT: Final = 70
_INDENT: Final = " " * 8
_OPAQUE: Final = b"\x01"
"""The last byte of the ids of canisters."""
_KNOWN: Final = {MANAGEMENT: "MANAGEMENT", b"\x04": "ANONYMOUS"}


def to_pytest(failure: Failure, path: Path) -> list[Path]:
    """Write a failure as a test into the file `path`, and modules into a folder beside it; returns the paths.

    Raises `InputError` when they cannot be written, for failures without calls, and for networks of several subnets.
    """
    if failure.setup.subnets is not None:
        raise InputError(
            "tests are written for networks of one subnet; this failure is of a network of several"
        )
    if not calls_of(failure.events):
        raise InputError("the failure has no calls, so there is no test to write")
    code = _Code(failure, path.with_suffix("").name + "_files")
    text = code.text()
    written = [path]
    try:
        for name, content in code.files.items():
            folder = path.parent / code.folder
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / name, [content])
            written.append(folder / name)
    except OSError as error:
        raise InputError(f"cannot write {path.parent / code.folder}: {error.strerror}") from error
    write_atomically(path, [text.encode()])
    return written


class _Code:
    def __init__(self, failure: Failure, folder: str) -> None:
        self._failure = failure
        self._calls = calls_of(failure.events)
        self._names: dict[bytes, str] = {}
        self._given = dict(failure.names)
        self.folder = folder
        self.files: dict[str, bytes] = {}

    def text(self) -> str:
        body = [*self._body()]
        test = self._failure.test
        what = one_line(f"{test.error}: {test.message}", 200).replace("\\", "\\\\").replace('"""', "'''")
        uses_raises = any("pytest.raises" in line for line in body)
        head = [
            f'"""The failure of {_plain(test.name)}, as a test of its own.',
            "",
            f"{what}",
            '"""',
            "",
            "from pathlib import Path",
            "",
            *(["import pytest", ""] if uses_raises else []),
            *(["from ic_harness.errors import RejectError"] if uses_raises else []),
            "from ic_harness.history import reproduction",
            "",
            f"FILES = Path(__file__).with_name({self.folder!r})",
            *(f'{name} = "{Principal(raw)}"' for raw, name in self._names.items()),
            "",
            "",
            "def test_reproduces_the_failure():",
            *self._open(),
        ]
        return "\n".join([*head, *body, ""])

    def _open(self) -> Iterator[str]:
        setup = self._failure.setup
        yield "    with reproduction("
        yield f"{_INDENT}time_ns={setup.start_ns},"
        yield f'{_INDENT}seed=bytes.fromhex("{setup.seed.hex()}"),'
        if setup.nodes != 13:
            yield f"{_INDENT}nodes={setup.nodes},"
        if setup.cost_schedule != "normal":
            yield f"{_INDENT}cost_schedule={setup.cost_schedule!r},"
        if setup.admins:
            yield f"{_INDENT}admins={[str(Principal(raw)) for raw in setup.admins]!r},"
        if setup.threshold_keys:
            yield f"{_INDENT}threshold_keys={setup.threshold_keys!r},"
        if setup.slice_instructions != SLICE_INSTRUCTIONS:
            yield f"{_INDENT}slice_instructions={setup.slice_instructions},"
        if setup.round_instructions != ROUND_INSTRUCTIONS:
            yield f"{_INDENT}round_instructions={setup.round_instructions},"
        yield "    ) as network:"

    def _body(self) -> Iterator[str]:
        by_event: dict[int, list[RecordedCall]] = {}
        for call in self._calls:
            by_event.setdefault(call.event, []).append(call)
        last = self._calls[-1]
        for index, event in enumerate(self._failure.events):
            if index > last.event:
                break
            made = by_event.get(index, [])
            match event:
                case Round() if len(made) > 1:
                    yield f"{_INDENT}network.at({event.now_ns})"
                    yield from self._together(made)
                case Round() | Query() | Refusal():
                    yield f"{_INDENT}network.at({event.now_ns})"
                    yield from (line for call in made for line in self._one(call, is_last=call is last))
                    if not made:
                        yield f"{_INDENT}network.tick()"
                case StableReplaced():
                    content = self._bytes(event.content)
                    yield f"{_INDENT}network.set_stable_memory({self._name(event.canister)}, {content})"

    def _together(self, calls: list[RecordedCall]) -> Iterator[str]:
        yield f"{_INDENT}submitted = ["
        for call in calls:
            yield f"{_INDENT}    {self._call(call, 'submit', tail=',')}"
        yield f"{_INDENT}]"
        yield f"{_INDENT}replies = network.together(submitted)"
        last = self._calls[-1]
        if last in calls:
            place = calls.index(last)
            if isinstance(last.answer, Rejected):
                yield f"{_INDENT}assert not isinstance(replies[{place}], Exception), replies[{place}]"
            else:
                yield from self._compared(last, f"replies[{place}]")

    def _one(self, call: RecordedCall, *, is_last: bool) -> Iterator[str]:
        line = self._call(call, "query" if call.kind == "query" else "update")
        if is_last and isinstance(call.answer, Replied):
            yield f"{_INDENT}reply = {line}"
            yield from self._compared(call, "reply")
        elif is_last:
            yield f"{_INDENT}# {_comment(described(call.answer))}"
            yield f"{_INDENT}{line}"
        elif isinstance(call.answer, Rejected):
            yield f"{_INDENT}with pytest.raises(RejectError):  # {_comment(call.answer.message)}"
            yield f"{_INDENT}    {line}"
        else:
            yield f"{_INDENT}{line}"

    def _compared(self, call: RecordedCall, reply: str) -> Iterator[str]:
        assert isinstance(call.answer, Replied), "bug: rejects are not compared"
        test = self._failure.test
        text = one_line(f"{test.error}: {test.message}", 200)
        yield f"{_INDENT}# The answer of the failing run, which is wrong: {_values(call.answer.data)}"
        yield f"{_INDENT}assert {reply} != {self._bytes(call.answer.data)}, {text!r}"

    def _call(self, call: RecordedCall, verb: str, tail: str = "") -> str:
        request = call.request
        who, callee = self._name(request.caller), self._name(request.callee)
        comment = f"  # {_values(request.arg)}" if module_within(request.arg) is None else ""
        argument = self._bytes(request.arg)
        return f"network.{verb}({who}, {callee}, {request.method!r}, {argument}){tail}{comment}"

    def _bytes(self, data: bytes) -> str:
        """Return the code of a byte string: hexadecimal, or with a file for what is long."""
        found = module_within(data)
        if found is None and len(data) >= _LONG:
            found = 0, len(data)
        if found is None:
            return _hex(data)
        start, end = found
        name, length = self._file(data[start:end]), leb128_encode(end - start)
        if data[:start].endswith(length):  # so that a module of another length can take the place of this one
            start, read = start - len(length), f"network.blob(FILES / {name!r})"
        else:
            read = f"(FILES / {name!r}).read_bytes()"
        around = [_hex(data[:start])] * (start > 0), [read], [_hex(data[end:])] * (end < len(data))
        return " + ".join(part for parts in around for part in parts)

    def _file(self, content: bytes) -> str:
        suffix = "wasm" if content.startswith((b"\0asm", b"\x1f\x8b")) else "bin"
        name = f"{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
        self.files[name] = content
        return name

    def _name(self, raw: bytes) -> str:
        """Return the name of the constant with a principal."""
        if raw not in self._names:
            base, numbers = self._base(raw), count(2)
            name = base
            while name in {*self._names.values(), "FILES"}:
                name = f"{base}_{next(numbers)}"
            self._names[raw] = name
        return self._names[raw]

    def _base(self, raw: bytes) -> str:
        if raw in _KNOWN:
            return _KNOWN[raw]
        given = re.sub(r"\W+", "_", self._given.get(raw, ""), flags=re.ASCII).strip("_").upper()
        if given and not given[0].isdigit():
            return given[:40]
        return "CANISTER" if raw.endswith(_OPAQUE) else "CALLER"


def _hex(data: bytes) -> str:
    return f'bytes.fromhex("{data.hex()}")' if data else 'b""'


def _values(data: bytes) -> str:
    """The Candid values of a message, for a comment."""
    if len(data) > _LONG:
        return f"{len(data):,} bytes"
    try:
        return _comment(format_values(decode(data), message_types(data)))
    except CandidError:
        return f"{len(data):,} bytes that are no Candid"


def _comment(text: str) -> str:
    return one_line(text, _COMMENT)


def _plain(text: str) -> str:
    return one_line(text, 200).replace("\\", "/").replace('"', "'")
