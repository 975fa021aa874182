"""Flame graphs as files: an SVG that needs nothing else, and a file for speedscope."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final
from zlib import crc32

from ic_harness.testing.report.html.markup import Markup, tag
from ic_harness.testing.report.words import count, number
from ic_harness.text import one_line

from .flame import FlameNode

_WIDTH: Final = 1200
_ROW: Final = 20
_LETTER: Final = 6.6
"""Width of a letter in the font of frames."""
_THINNEST: Final = 0.4
"""Frames that are thinner are left out."""
_MOST_FRAMES: Final = 20_000
_NAME: Final = 300
_HUES: Final = 5
_STYLE: Final = """
svg { --page: #ffffff; --ink: #1a1d21; --quiet: #566070; --edge: #ffffff;
  --h0: #cfe0fb; --h1: #cdeede; --h2: #fae3c0; --h3: #e6dafa; --h4: #fbd9e4; --root: #dde1e6; }
@media (prefers-color-scheme: dark) { svg { --page: #1b1f25; --ink: #f1f3f5; --quiet: #a4aebb; --edge: #1b1f25;
  --h0: #27406b; --h1: #1f4a38; --h2: #574015; --h3: #433264; --h4: #5a2a3c; --root: #323943; } }
.page { fill: var(--page); } text { fill: var(--ink); font: 11px ui-monospace, Menlo, Consolas, monospace; }
.title { font: 600 15px system-ui, sans-serif; } .quiet { fill: var(--quiet); font: 12px system-ui, sans-serif; }
g.f rect { stroke: var(--edge); stroke-width: 0.5; } g.f:hover rect { stroke: var(--ink); stroke-width: 1.5; }
.h0 { fill: var(--h0); } .h1 { fill: var(--h1); } .h2 { fill: var(--h2); }
.h3 { fill: var(--h3); } .h4 { fill: var(--h4); }
.root { fill: var(--root); }
"""


def to_svg(title: str, root: FlameNode) -> str:
    """Draw frames as a picture: widths are instructions, callers are above what they call."""
    frames = list(_placed(root))
    height = 70 + _ROW * (1 + max(node.depth for node, _, _ in frames))
    left_out = sum(1 for _ in root.walk()) - len(frames)
    subtitle = f"{number(root.total)} instructions; a frame's width is what it and its callees executed"
    if left_out:
        subtitle += f"; {number(left_out)} thinner frames are left out"
    drawn = tag(
        "svg",
        tag("title", f"Instructions of {title} by function"),
        tag("style", Markup(_STYLE)),
        tag("rect", width=_WIDTH, height=height, class_="page"),
        tag("text", one_line(title, 100), x=10, y=24, class_="title"),
        tag("text", subtitle, x=10, y=44, class_="quiet"),
        [_frame(node, start, width, root.total) for node, start, width in frames],
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {height}",
        preserveAspectRatio="xMidYMin meet",
        role="img",
    )
    return f"{drawn}\n"


def _placed(root: FlameNode) -> Iterator[tuple[FlameNode, float, float]]:
    """Yield the frames that can be seen, each with its left edge and its width."""
    scale = (_WIDTH - 20) / max(root.total, 1)
    waiting = [(root, 10.0)]
    shown = 0
    while waiting and shown < _MOST_FRAMES:
        node, start = waiting.pop()
        yield node, start, max(node.total * scale, _THINNEST)
        shown += 1
        for child in node.children:
            if child.total * scale >= _THINNEST:
                waiting.append((child, start))
            start += child.total * scale


def _frame(node: FlameNode, start: float, width: float, everything: int) -> Markup:
    top = 60 + _ROW * node.depth
    name = one_line(node.name, _NAME)
    letters = int((width - 6) / _LETTER)
    shown = name if len(name) <= letters else f"{name[: letters - 1]}…" if letters > 2 else ""
    share = 100 * node.total / max(everything, 1)
    calls = f", {count(node.calls, 'call')}" if node.calls else ""
    words = f"{name}: {number(node.total)} instructions ({share:.2f} %), own {number(node.own)}{calls}"
    hue = "root" if node.depth == 0 else f"h{crc32(name.partition('::')[0].encode()) % _HUES}"
    label = tag("text", shown, x=f"{start + 4:.2f}", y=top + 14) if shown else None
    box = tag("rect", x=f"{start:.2f}", y=top, width=f"{width:.2f}", height=_ROW - 1, rx=2, class_=hue)
    return tag("g", tag("title", words), box, label, class_="f")


def to_speedscope(title: str, root: FlameNode) -> str:
    """Write frames as a file for https://www.speedscope.app, in instructions."""
    frames: dict[str, int] = {}
    samples: list[list[int]] = []
    weights: list[int] = []
    waiting: list[tuple[FlameNode, list[int]]] = [(root, [])]
    while waiting:
        node, above = waiting.pop()
        name = one_line(node.name, _NAME)
        stack = [*above, frames.setdefault(name, len(frames))] if node.depth else above
        if node.own:
            samples.append(stack)
            weights.append(node.own)
        waiting.extend((child, stack) for child in reversed(node.children))
    profile: dict[str, Any] = {
        "type": "sampled",
        "name": f"{one_line(title, 100)}: instructions",
        "unit": "none",
        "startValue": 0,
        "endValue": sum(weights),
        "samples": samples,
        "weights": weights,
    }
    content = {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": "ic-harness",
        "name": one_line(title, 100),
        "activeProfileIndex": 0,
        "shared": {"frames": [{"name": name} for name in frames]},
        "profiles": [profile],
    }
    return f"{json.dumps(content, ensure_ascii=False, separators=(',', ':'))}\n"
