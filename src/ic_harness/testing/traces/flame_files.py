"""Flame graphs as files: an SVG that needs nothing else, and a file for speedscope."""

from __future__ import annotations

import json
from typing import Any, Final

from ic_harness.testing.report.html.flames import flame_file
from ic_harness.text import one_line

from .flame import FlameNode, flame_graph

_MOST_FRAMES: Final = 20_000
_NAME: Final = 300


def to_svg(title: str, root: FlameNode) -> str:
    """Draw frames as a picture: widths are instructions, callers are above what they call."""
    return flame_file(flame_graph(title, root, frames=_MOST_FRAMES))


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
