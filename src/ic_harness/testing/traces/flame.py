"""The tree of calls of a module as it is drawn: with names, and without what no picture can show.

A function that calls itself directly is one frame, however deep it goes, and below `MAX_DEPTH` calls are counted for
the frame at that depth. The instructions of all frames together are those that were recorded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import field
from typing import Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.execution.recorder import SYSTEM_API
from ic_harness.testing.measured import FlameFrame, FlameGraph, FunctionCost
from ic_harness.text import one_line

from .records import ModuleTrace

MAX_DEPTH: Final = 128
_THINNEST: Final = 1 / 3_000
"""Frames that are a smaller part of the whole cannot be seen, and are left out."""
_NAME: Final = 300


@dataclass(slots=True)
class FlameNode:
    """A frame: `own` instructions of the function itself, `total` with everything that it called."""

    name: str
    depth: int
    own: int = 0
    total: int = 0
    calls: int = 0
    children: list[FlameNode] = field(default_factory=list)

    def walk(self) -> Iterator[FlameNode]:
        """Yield the node and all below it, callers first."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


def flame_of(trace: ModuleTrace) -> FlameNode:
    """Return the root of the frames of a module: the entry points are its children."""
    tree, names = trace.tree, trace.names
    root = FlameNode("all messages", 0, own=tree.instructions[0])
    drawn: list[tuple[FlameNode, int]] = [(root, -1)]
    known: dict[tuple[int, int], FlameNode] = {}
    for number in range(1, len(tree.functions)):
        function = tree.functions[number]
        parent, caller = drawn[tree.callers[number]]
        if function == caller or parent.depth >= MAX_DEPTH:
            node = parent
        else:
            key = (id(parent), function)
            found = known.get(key)
            if found is None:
                named = names.entry if parent is root else names.name
                name = "system API" if function == SYSTEM_API else named(function)
                found = known[key] = FlameNode(name, parent.depth + 1)
                parent.children.append(found)
            node = found
        node.own += tree.instructions[number]
        node.calls += tree.calls[number]
        drawn.append((node, function))
    for node in reversed(list(root.walk())):
        node.total = node.own + sum(child.total for child in node.children)
        node.children.sort(key=lambda child: (-child.total, child.name))
    return root


def by_function(root: FlameNode) -> list[FunctionCost]:
    """Return what each function costs by itself, the most expensive first."""
    own: dict[str, int] = {}
    calls: dict[str, int] = {}
    for node in root.walk():
        if node is not root:
            own[node.name] = own.get(node.name, 0) + node.own
            calls[node.name] = calls.get(node.name, 0) + node.calls
    costs = [FunctionCost(name, own[name], calls[name]) for name in own]
    return sorted(costs, key=lambda it: (-it.own, it.name))


def flame_graph(
    title: str, root: FlameNode, *, frames: int, functions: int = 0, name: int = _NAME, lost: int = 0
) -> FlameGraph:
    """Return the graph of a tree with so many frames and functions at most, and names of so many characters.

    The frames that are left out are the deepest, and those that are too thin to be seen.
    """
    placed = _placed(root, frames, name)
    costs = by_function(root) if functions else []
    return FlameGraph(
        title=one_line(title, 100),
        instructions=root.total,
        frames=tuple(placed),
        functions=tuple(FunctionCost(one_line(it.name, name), it.own, it.calls) for it in costs[:functions]),
        frames_left_out=sum(1 for _ in root.walk()) - len(placed),
        functions_left_out=max(0, len(costs) - functions) if functions else 0,
        lost=lost,
    )


def _placed(root: FlameNode, most: int, name: int) -> list[FlameFrame]:
    """Return the frames that can be seen, row by row: where there are too many, the upper rows are whole."""
    least = root.total * _THINNEST
    waiting = deque([(root, 0)])
    frames: list[FlameFrame] = []
    while waiting and len(frames) < most:
        node, start = waiting.popleft()
        frames.append(
            FlameFrame(
                name=one_line(node.name, name),
                depth=node.depth,
                start=start,
                total=node.total,
                own=node.own,
                calls=node.calls,
            )
        )
        for child in node.children:
            if child.total >= least:
                waiting.append((child, start))
            start += child.total
    return frames
