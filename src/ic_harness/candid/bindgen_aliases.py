"""The aliases of a generated module in an order in which each one can be evaluated.

An alias is evaluated when the module is imported, so what it refers to comes first. Classes come before all
aliases, and their annotations are not evaluated: a record, or a variant whose cases are classes, needs no order.
An alias that needs itself is lazy: a `TypeAliasType` whose value is a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from ic_harness.candid.bindgen_plan import Definition, is_result
from ic_harness.candid.types import Named, Type, Variant, children
from ic_harness.lazy_dataclass import dataclass


def evaluation_order(aliases: Iterable[Definition]) -> list[tuple[Definition, bool]]:
    """Sort aliases after those that they need; returns each with whether it needs itself.

    The order of `aliases` is kept where the dependencies allow it.
    """
    known = {definition.candid: definition for definition in aliases}
    needs = {
        name: [used for used in dict.fromkeys(_needed(definition)) if used in known]
        for name, definition in known.items()
    }
    return [
        (known[name], len(component) > 1 or name in needs[name])
        for component in _components(needs)
        for name in component
    ]


def _needed(definition: Definition) -> Iterator[str]:
    """Yield the names that are evaluated together with an alias."""
    type_ = definition.type
    if isinstance(type_, Variant) and not is_result(type_):
        return  # a union of classes
    yield from _names_in(type_)


def _names_in(type_: Type) -> Iterator[str]:
    if isinstance(type_, Named):
        yield type_.name
        return
    for child in children(type_):
        yield from _names_in(child)


@dataclass(slots=True)
class _Search:
    """The state of a depth-first search for strongly connected components (Tarjan), without recursion."""

    needs: Mapping[str, list[str]]
    index: dict[str, int] = field(default_factory=dict)
    lowest: dict[str, int] = field(default_factory=dict)
    open: dict[str, None] = field(default_factory=dict)

    def visit(self, start: str) -> Iterator[list[str]]:
        """Yield the components that are reachable from `start` and were not yielded before."""
        trail = [(start, iter(self._enter(start)))]
        while trail:
            name, rest = trail[-1]
            following = next(rest, None)
            if following is None:
                trail.pop()
                if trail:
                    above = trail[-1][0]
                    self.lowest[above] = min(self.lowest[above], self.lowest[name])
                if self.lowest[name] == self.index[name]:
                    yield self._close(name)
            elif following not in self.index:
                trail.append((following, iter(self._enter(following))))
            elif following in self.open:
                self.lowest[name] = min(self.lowest[name], self.index[following])

    def _enter(self, name: str) -> list[str]:
        self.index[name] = self.lowest[name] = len(self.index)
        self.open[name] = None
        return self.needs[name]

    def _close(self, name: str) -> list[str]:
        component: list[str] = []
        while not component or component[-1] != name:
            component.append(self.open.popitem()[0])
        return component[::-1]


def _components(needs: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """Yield the groups of names that need each other, every group after those that it needs."""
    search = _Search(needs)
    for name in needs:
        if name not in search.index:
            yield from search.visit(name)
