"""`ic-harness bulk search`: files of a run by words, by likeness to one, and near-duplicates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ic_harness.cli.examples import examples
from ic_harness.cli.options import json_option, state_dir_option
from ic_harness.errors import InputError
from ic_harness.text import for_log, one_line
from ic_harness.units import human_bytes

from .bulk import LEDGER, ledger_option

if TYPE_CHECKING:
    from ic_capsule.bulk import FileRow


@examples("ic-harness bulk search lisbon 2024 --limit 20")
@click.command()
@click.argument("words", nargs=-1, metavar="[WORD...]")
@click.option("--like", type=int, metavar="ID", help="Files that look like the one with this id.")
@click.option("--near-duplicates", "near", is_flag=True, help="Groups of photos that look the same.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True)
@ledger_option
@state_dir_option
@json_option
def search(
    *,
    words: tuple[str, ...],
    like: int | None,
    near: bool,
    limit: int,
    ledger: Path | None,
    state_dir: Path,
    as_json: bool,
) -> None:
    """Find files by WORDs of their name, date, place, camera, title or tags; or by how they look.

    Words are starts of words, and all must be there. Likeness needs the embed stage with the embedder `visual`.
    """
    from ic_capsule.bulk import Ledger, more_like, near_duplicates, search_text  # lazy: start-up time  # noqa: PLC0415

    if sum((bool(words), like is not None, near)) != 1:
        raise InputError("name words, or --like ID, or --near-duplicates: one of them")
    with Ledger.open(ledger or state_dir / LEDGER) as book:
        if near:
            _show_groups(near_duplicates(book)[:limit], as_json=as_json)
            return
        found = search_text(book, " ".join(words), limit) if like is None else more_like(book, like, limit)
    rows = [{**_row(hit.file), "score": round(hit.score, 4)} for hit in found]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        click.echo(_line(row) + (f", likeness {row['score']:.2f}" if like is not None else ""))


def _show_groups(groups: list[list[FileRow]], *, as_json: bool) -> None:
    rows = [[_row(file) for file in group] for group in groups]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for group in rows:
        click.echo(" = ".join(_line(row) for row in group))


def _row(file: FileRow) -> dict[str, Any]:
    return {"id": file.id, "file": file.name, "size": file.size, "memory": file.memory_id}


def _line(row: dict[str, Any]) -> str:
    return f"{row['id']} {one_line(for_log(row['file']), 80)} ({human_bytes(row['size'])})"
