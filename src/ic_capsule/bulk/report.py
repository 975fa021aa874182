"""A run as one HTML file without anything from outside: throughput, latencies, failures, thumbnails."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from html import escape
from typing import Final

from ic_capsule.assets import PREVIEW
from ic_harness.text import clean
from ic_harness.units import human_bytes

from .progress import duration, line, percentile, phases
from .states import Stage
from .views import LedgerView

_COLUMNS: Final = 60
_MOST_PICTURES: Final = 300
_STYLE: Final = """
:root { color-scheme: light dark; --line: #8886; --bar: #2a78d6; --bad: #c3352b; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.bad { color: var(--bad); } svg rect { fill: var(--bar); } svg { width: 100%; height: 8rem; }
.wall { display: flex; flex-wrap: wrap; gap: .3rem; } .wall img { height: 6rem; border-radius: .2rem; }
"""


def report_html(view: LedgerView) -> str:
    """The report of a ledger."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8"><title>Bulk upload</title>',
            f"<style>{_STYLE}</style></head><body>",
            *_head(view),
            *_failures(view),
            *_throughput(view),
            *_latencies(view),
            *_pictures(view),
            "</body></html>",
        ]
    )


def _say(text: str) -> str:
    return escape(clean(text))


def _head(view: LedgerView) -> Iterator[str]:
    stats = view.stats()
    yield "<h1>Bulk upload</h1>"
    yield f"<p>{_say(line(stats))}</p>"
    yield '<table><tr><th>Phase<th class="n">Done<th class="n">Of<th class="n">Failed</tr>'
    for phase in phases(stats):
        bad = ' class="n bad"' if phase.failed else ' class="n"'
        yield (
            f'<tr><td>{phase.name}<td class="n">{phase.done:,}<td class="n">{phase.total:,}'
            f"<td{bad}>{phase.failed:,}</tr>"
        )
    yield "</table>"
    yield (
        f"<p>{stats.total:,} files, {stats.duplicates:,} of them duplicates by content; "
        f"{human_bytes(stats.bytes_done)} stored, {human_bytes(stats.bytes_sent)} sent.</p>"
    )
    target = view.target()
    if target:
        yield "<table>"
        for key, value in sorted(target.items()):
            yield f"<tr><th>{_say(key)}<td>{_say(value)}</tr>"
        yield "</table>"


def _failures(view: LedgerView) -> Iterator[str]:
    letters = view.dead_letters()
    yield f"<h2>Failed permanently ({len(letters):,})</h2>"
    if not letters:
        yield "<p>None.</p>"
        return
    yield '<table><tr><th class="n">Id<th>File<th>Stage<th>Class<th class="n">Tries<th>Why</tr>'
    for letter in letters:
        yield (
            f'<tr><td class="n">{letter.file}<td>{_say(letter.name)}<td>{letter.stage}<td class="bad">{letter.cls}'
            f'<td class="n">{letter.attempts}<td>{_say(letter.error)}</tr>'
        )
    yield "</table>"


def _throughput(view: LedgerView) -> Iterator[str]:
    yield "<h2>Throughput</h2>"
    times = view.finished_times(Stage.UPLOAD)
    if len(times) < 2:
        yield "<p>Not enough files for a chart.</p>"
        return
    first, last = times[0][0], times[-1][0]
    span = max(last - first, 1e-3)
    columns = [0] * _COLUMNS
    for at, size in times:
        columns[min(_COLUMNS - 1, int((at - first) / span * _COLUMNS))] += size
    tallest = max(columns) or 1
    total = sum(size for _, size in times)
    yield (
        f"<p>{len(times):,} files and {human_bytes(total)} in {duration(span)}: {len(times) / span:.1f} files and "
        f"{human_bytes(int(total / span))} a second; at most {human_bytes(int(tallest * _COLUMNS / span))}.</p>"
    )
    box = f'viewBox="0 0 {_COLUMNS} 100" preserveAspectRatio="none"'
    yield f'<svg {box} role="img" aria-label="Bytes stored over time">'
    for index, size in enumerate(columns):
        height = 100 * size / tallest
        yield f'<rect x="{index}" y="{100 - height:.2f}" width="0.9" height="{height:.2f}"/>'
    yield "</svg>"


def _latencies(view: LedgerView) -> Iterator[str]:
    yield "<h2>Seconds a file</h2>"
    yield (
        "<p>Upload: from the first byte to the memory. Other stages: the last try.</p>"
        '<table><tr><th>Stage<th class="n">Files<th class="n">P50<th class="n">P95<th class="n">P99'
        '<th class="n">Longest</tr>'
    )
    for stage in Stage:
        ordered = view.latencies(stage)
        cells = [percentile(ordered, share) for share in (0.5, 0.95, 0.99, 1.0)]
        told = "".join(f'<td class="n">{"" if seconds is None else f"{seconds:.2f}"}' for seconds in cells)
        yield f'<tr><td>{stage}<td class="n">{len(ordered):,}{told}</tr>'
    yield "</table>"


def _pictures(view: LedgerView) -> Iterator[str]:
    yield '<h2>Photos</h2><div class="wall">'
    shown = 0
    for file in view.every_file():
        if file.duplicate_of is not None or file.sha256 is None or shown >= _MOST_PICTURES:
            continue
        picture = view.preview(file.sha256)
        if picture is None:
            continue
        shown += 1
        data = base64.b64encode(picture).decode()
        name = _say(file.name)
        yield f'<img src="data:{PREVIEW.mime_type};base64,{data}" alt="{name}" title="{name}" loading="lazy">'
    yield "</div>"
    if shown >= _MOST_PICTURES:
        yield f"<p>The first {_MOST_PICTURES} photos.</p>"
