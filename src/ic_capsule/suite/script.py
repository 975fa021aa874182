"""The reproduction of a failed check: Python code to paste, with a comment where each violation was seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ic_harness.principal import Principal
from ic_harness.testing.call_code import CallWriter, RecordedCall, Sample, UnwritableError
from ic_harness.testing.results import Violation

BUILD: Final = "backend.wasm.gz"
"""The build's path in a reproduction when the run has none."""
_WIDEST: Final = 100


def reproduction(
    check: str,
    target: str,
    violations: Sequence[Violation],
    calls: Sequence[RecordedCall] | None,
    samples: Iterable[Sample],
    people: Mapping[Principal, str],
) -> str:
    """Write code that makes the calls of a check again on `target`, up to its last violation.

    Where there are too many calls, or bytes that no expression generates, the code runs the whole check.
    """
    place = repr(target or BUILD)
    if calls:
        try:
            return _calls(place, violations, calls, CallWriter(samples, people))
        except UnwritableError:
            pass
    return f"from ic_capsule.suite.reproduction import rerun\n\nrerun({check!r}, {place})\n"


def _calls(
    place: str, violations: Sequence[Violation], calls: Sequence[RecordedCall], writer: CallWriter
) -> str:
    statements = writer.lines(calls)
    lines: list[str] = []
    names = dict.fromkeys(call.caller for call in calls if call.caller)
    lines += [f"{_variable(name)} = stage.client({name!r})" for name in names]
    for number, statement in statements:
        lines.append(statement)
        lines += [f"# seen: {_short(it.what)}" for it in violations if it.call == number]
    used = sorted(writer.names)
    imports = [f"from ic_capsule.backend import {', '.join(used)}"] if used else []
    body = "\n".join(f"    {line}" for line in lines)
    helpers = [name for name in ("Principal", "content") if f"{name}." in body or f"{name}(" in body]
    imports.append(f"from ic_capsule.suite.reproduction import {', '.join([*helpers, 'scene'])}")
    return "\n".join([*imports, "", f"with scene({place}) as stage:", body, ""])


def _variable(name: str) -> str:
    return name.replace("-", "_")


def _short(text: str) -> str:
    printable = "".join(sign if sign.isprintable() else "?" for sign in text)
    return printable if len(printable) <= _WIDEST else f"{printable[: _WIDEST - 1]}…"
