"""Faulty backends as patches: reads them, applies one, and merges all into one crate that chooses when it runs.

A mutant is a file ``tests/suite/mutants/<name>.patch``: one sentence that says what is wrong, a line ``Breaks:``
with the guarantees that the conformance suite must find broken, and a unified diff against ``src/backend``. The crate
itself knows nothing of faults.

One build for each of a hundred patches would take hours and give a hundred modules. So `merged` makes one crate of all:
a function that patches change keeps its own body, and before it stands, for each patch, the changed body as a block
that returns when this fault is planted: when the module's data names it, or the canister's environment variable
``planted`` does, so that one compiled module serves for all. The name ``?`` plants none and prints which faults are
asked for: a check that never asks for a fault cannot meet it. What a patch adds outside functions (helpers) is
added as it stands. Therefore a patch may change the bodies of functions and add items, and nothing else; a patch that
does more, or whose lines are not in the sources any more, raises `PatchError`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "tests" / "suite" / "mutants"
LONGEST_NAME: Final = 46
_FILE: Final = re.compile(r"(?:---|\+\+\+) [ab]/(\S+)$")
_HUNK: Final = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_FUNCTION: Final = re.compile(r"( *)(?:pub(?:\([^)]*\))? )?(?:async )?fn \w+")
_PLANTED: Final = """\
//! Which fault is planted: the name in the data of the module, or in the canister's environment variable `planted`.

use std::cell::OnceCell;

static PLANTED: [u8; {size}] = *b"planted: {none}";

thread_local! {{
    static NAME: OnceCell<String> = const {{ OnceCell::new() }};
}}

/// Says whether the fault of this name is planted, which the compiler must not foresee.
///
/// Under the name `?` no fault is, and each question is printed: what is never asked for can make no difference.
pub fn is(name: &str) -> bool {{
    NAME.with(|planted| {{
        let planted = planted.get_or_init(found);
        if planted == "?" {{
            ic_cdk::api::debug_print(format!("planted: {{name}}"));
        }}
        planted == name
    }})
}}

fn found() -> String {{
    let data = std::hint::black_box(&PLANTED)[9..].trim_ascii_end();
    if data == b"none" && ic_cdk::api::env_var_name_exists("planted") {{
        ic_cdk::api::env_var_value("planted")
    }} else {{
        String::from_utf8_lossy(data).into_owned()
    }}
}}
"""


class PatchError(Exception):
    """A patch cannot be read, does not apply, or changes what cannot be chosen at run time; the text names it."""


class Edit(NamedTuple):
    """Lines `start` to `end` (exclusive, from 0) of a file are replaced by `lines`; none when both are equal."""

    start: int
    end: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Hunk:
    """One hunk of a diff: its lines with their marks (blank, minus, plus)."""

    lines: tuple[str, ...]

    @property
    def old(self) -> list[str]:
        """The lines that must stand in the file."""
        return [line[1:] for line in self.lines if line[0] != "+"]


@dataclass(frozen=True)
class Patch:
    """A mutant: its name, what is wrong with it, the ids of the guarantees that it breaks, and hunks by path."""

    name: str
    text: str
    breaks: tuple[str, ...]
    hunks: Mapping[str, tuple[Hunk, ...]]


@dataclass
class _Function:
    """Lines of a function: the one that opens its body and the one that closes it; edits of its body by mutant."""

    open: int
    close: int
    edits: dict[str, list[Edit]] = field(default_factory=dict)


def read_patches(folder: Path = FOLDER) -> list[Patch]:
    """Read all patches of a folder, by name. Raises `PatchError`."""
    return [read_patch(path) for path in sorted(folder.glob("*.patch"))]


def read_patch(path: Path) -> Patch:
    """Read a patch. Raises `PatchError` when the head is not as the top of this file says, or the diff is no diff."""
    head, mark, diff = path.read_text(encoding="utf-8").partition("\n--- a/")
    told = re.fullmatch(r"(\S[^\n]*\.)\n\nBreaks:((?: [A-Z]{2}\d+)+)\n?", head)
    if told is None or not mark or len(path.stem) > LONGEST_NAME:
        msg = f"{path.name}: expected a sentence, an empty line, 'Breaks: ID …' and a unified diff"
        raise PatchError(msg)
    return Patch(path.stem, told[1], tuple(told[2].split()), _hunks(path.stem, f"--- a/{diff}".splitlines()))


def _hunks(name: str, lines: list[str]) -> dict[str, tuple[Hunk, ...]]:
    found: dict[str, tuple[Hunk, ...]] = {}
    path, at = "", 0
    while at < len(lines):
        if named := _FILE.match(lines[at]):
            path = named[1]
            at += 1
            continue
        counts = _HUNK.match(lines[at])
        if counts is None or not path:
            msg = f"{name}: {lines[at]!r} is no line of a unified diff"
            raise PatchError(msg)
        old, new = (1 if number is None else int(number) for number in counts.groups())
        body, at = _body(name, lines, at + 1, (old, new))
        found[path] = (*found.get(path, ()), Hunk(body))
    return found


def _body(name: str, lines: list[str], at: int, counts: tuple[int, int]) -> tuple[tuple[str, ...], int]:
    """Give the lines of the hunk that starts at `at` and has `counts` old and new lines, and where it ends."""
    old, new = counts
    start = at
    while old > 0 or new > 0:
        mark = lines[at][:1] if at < len(lines) else ""
        if mark not in (" ", "-", "+") or not mark:
            msg = f"{name}: a hunk is shorter than its head says"
            raise PatchError(msg)
        old -= mark != "+"
        new -= mark != "-"
        at += 1
    return tuple(lines[start:at]), at


def patched(crate: Path, patch: Patch) -> dict[str, str]:
    """Give the changed files of the crate by path, with this one fault. Raises `PatchError`."""
    changed = {}
    for path in patch.hunks:
        lines = _lines(crate, path, patch.name)
        changed[path] = "\n".join(_edited(lines, edits_of(lines, patch, path))) + "\n"
    return changed


def merged(crate: Path, patches: Iterable[Patch]) -> dict[str, str]:
    """Give the changed and new files, by path, of the crate that has every fault and chooses when it runs.

    Raises `PatchError` when a patch does not apply, or changes something that is no body of a function.
    """
    patches = list(patches)
    files = {}
    for path in sorted({path for patch in patches for path in patch.hunks}):
        concerned = [patch for patch in patches if path in patch.hunks]
        files[path] = _merged_file(_lines(crate, path, concerned[0].name), path, concerned)
    library = files.get("src/lib.rs") or (crate / "src" / "lib.rs").read_text(encoding="utf-8")
    files["src/lib.rs"] = re.sub(
        r"(?m)^(?=pub mod|mod)", "#![allow(warnings)]\nmod planted;\n", library, count=1
    )
    none = "none".ljust(LONGEST_NAME + 1)
    files["src/planted.rs"] = _PLANTED.format(size=len("planted: ") + len(none), none=none)
    return files


def _lines(crate: Path, path: str, name: str) -> list[str]:
    try:
        return (crate / path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        msg = f"{name}: there is no {path}"
        raise PatchError(msg) from error


def edits_of(lines: list[str], patch: Patch, path: str) -> list[Edit]:
    """Find where the hunks for this file belong; their old lines must stand there exactly, and only once."""
    edits: list[Edit] = []
    for hunk in patch.hunks[path]:
        old = hunk.old
        places = [at for at in range(len(lines) - len(old) + 1) if lines[at : at + len(old)] == old]
        if len(places) != 1:
            how = "are not in" if not places else "stand more than once in"
            msg = f"{patch.name}: the old lines of a hunk {how} {path}: {old[len(old) // 2].strip()!r}"
            raise PatchError(msg)
        edits += _edits(hunk, places[0])
    return edits


def _edits(hunk: Hunk, at: int) -> list[Edit]:
    edits, start, new = [], at, list[str]()
    for line in (*hunk.lines, " "):
        if line[0] == "+":
            new.append(line[1:])
            continue
        if line[0] == " ":
            if new or at > start:
                edits.append(Edit(start, at, tuple(new)))
            start, new = at + 1, []
        at += 1
    return edits


def _edited(lines: list[str], edits: Iterable[Edit]) -> list[str]:
    lines = lines[:]
    for edit in sorted(edits, reverse=True):
        lines[edit.start : edit.end] = edit.lines
    return lines


def _merged_file(lines: list[str], path: str, patches: list[Patch]) -> str:
    functions, added = _functions(lines), list[Edit]()
    for patch in patches:
        for edit in edits_of(lines, patch, path):
            around = [body for body in functions if body.open < edit.start and edit.end <= body.close]
            if around:
                around[0].edits.setdefault(patch.name, []).append(edit)
            elif edit.start == edit.end:
                added.append(edit)
            else:
                msg = f"{patch.name}: {path}:{edit.start + 1} is not in the body of a function"
                raise PatchError(msg)
    added += [Edit(body.open + 1, body.open + 1, _choices(lines, body)) for body in functions if body.edits]
    return "\n".join(_edited(lines, added)) + "\n"


def _functions(lines: list[str]) -> list[_Function]:
    """Find the functions that are in no other one, in sources as rustfmt writes them."""
    found: list[_Function] = []
    for at, line in enumerate(lines):
        head = _FUNCTION.match(line)
        if head is None or (found and at < found[-1].close):
            continue
        opened = next((n for n in range(at, len(lines)) if lines[n].endswith(("{", ";"))), at)
        if lines[opened].endswith("{"):
            closed = next(n for n in range(opened, len(lines)) if lines[n] == head[1] + "}")
            found.append(_Function(opened, closed))
    return found


def _choices(lines: list[str], body: _Function) -> tuple[str, ...]:
    out: list[str] = []
    for name, edits in body.edits.items():
        own = [Edit(edit.start - body.open - 1, edit.end - body.open - 1, edit.lines) for edit in edits]
        changed = _edited(lines[body.open + 1 : body.close], own)
        out += [f'if crate::planted::is("{name}") {{', "return {", *changed, "};", "}"]
    return tuple(out)
