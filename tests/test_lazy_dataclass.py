"""Data classes whose methods are compiled on first use behave as those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import pickle
import sys
import threading
import typing
import weakref
from dataclasses import FrozenInstanceError, field, fields, is_dataclass, replace
from types import FunctionType
from typing import Any

import pytest

from ic_harness.lazy_dataclass import dataclass


def shapes(decorator):
    """The same classes, made by `decorator`."""

    @decorator(frozen=True, slots=True)
    class Point:
        """Frozen, with a default, a factory and a hidden field."""

        x: int
        y: int = 2
        tags: list[str] = field(default_factory=list, hash=False)
        note: str = field(default="", repr=False, compare=False)

    @decorator(frozen=True, slots=True, kw_only=True)
    class Named:
        """Keywords only."""

        name: str
        size: int = 0

    @decorator(slots=True)
    class Counter:
        """Mutable, with a field that no parameter sets, and work after initialization."""

        start: int
        limit: int = field(default=9, kw_only=True)
        total: int = field(init=False)
        seen: list[int] = field(default_factory=list, init=False)
        fixed: int = field(default=7, init=False)

        def __post_init__(self) -> None:
            self.total = self.start * 2

    @decorator
    class Open:
        """Neither slots nor frozen."""

        value: object = None

    @decorator(frozen=True, slots=True, eq=False)
    class Identity:
        """Compared by identity."""

        value: int

    @decorator(frozen=True)
    class Written:
        """With methods of its own."""

        value: int

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Written) and abs(self.value) == abs(other.value)

        def __hash__(self) -> int:
            return hash(abs(self.value))

        def __repr__(self) -> str:
            return "written"

    @decorator(frozen=True, slots=True, order=True)
    class Ordered:
        """With an order."""

        rank: int

    @decorator(frozen=True, slots=True)
    class Deeper(Point):
        """Inherits."""

        z: int = 0

    return {kind.__name__: kind for kind in (Point, Named, Counter, Open, Identity, Written, Ordered, Deeper)}


OURS = shapes(dataclass)
STANDARD = shapes(dataclasses.dataclass)
CALLS: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "Point": [((1,), {}), ((1, 3), {}), ((), {"x": 1, "tags": ["a"], "note": "n"})],
    "Named": [((), {"name": "a"}), ((), {"name": "a", "size": 2})],
    "Counter": [((4,), {}), ((4,), {"limit": 1})],
    "Open": [((), {}), ((5,), {})],
    "Identity": [((1,), {}), ((2,), {})],
    "Written": [((1,), {}), ((-1,), {}), ((2,), {})],
    "Ordered": [((1,), {}), ((2,), {})],
    "Deeper": [((1,), {}), ((1, 2, [], "", 4), {})],
}


@dataclass(frozen=True, slots=True)
class Picklable:
    """At the top of a module, where `pickle` finds it."""

    value: int
    inner: Picklable | None = None


@pytest.fixture(params=sorted(CALLS))
def pair(request):
    """The same class twice, and instances of both."""
    ours, standard = OURS[request.param], STANDARD[request.param]
    calls = CALLS[request.param]
    return (
        (ours, [ours(*a, **k) for a, k in calls]),
        (standard, [standard(*a, **k) for a, k in calls]),
    )


def outcome(act):
    """What a call returns, or the type and the text of what it raises."""
    try:
        return act()
    except Exception as error:  # noqa: BLE001  # compared
        return type(error), str(error)


def test_signature_and_fields(pair):
    """Parameters, their annotations and order; fields; patterns."""
    (ours, _), (standard, _) = pair
    assert [(p.name, p.kind) for p in inspect.signature(ours).parameters.values()] == [
        (p.name, p.kind) for p in inspect.signature(standard).parameters.values()
    ]
    assert str(inspect.signature(ours)) == str(inspect.signature(standard))
    assert ours.__match_args__ == standard.__match_args__
    assert is_dataclass(ours) is True  # not a narrowing
    assert [(f.name, f.type, f.init) for f in fields(ours)] == [
        (f.name, f.type, f.init) for f in fields(standard)
    ]
    assert typing.get_type_hints(ours.__init__) == typing.get_type_hints(standard.__init__)
    assert ours.__init__.__qualname__ == standard.__init__.__qualname__
    assert getattr(ours, "__slots__", None) == getattr(standard, "__slots__", None)
    assert ours.__dataclass_params__.frozen == standard.__dataclass_params__.frozen


def test_values(pair):
    """Representation, comparison and hash, of each instance with each."""
    (_, ours), (_, standard) = pair
    assert [repr(value) for value in ours] == [repr(value) for value in standard]
    assert [a == b for a in ours for b in ours] == [a == b for a in standard for b in standard]
    assert not any(a == b for a in ours for b in standard)
    assert outcome(lambda: ours[0] < ours[-1]) == outcome(lambda: standard[0] < standard[-1])
    if "__eq__" in vars(type(ours[0])):
        assert [outcome(lambda value=value: hash(value)) for value in ours] == [
            outcome(lambda value=value: hash(value)) for value in standard
        ]


def test_assignment_and_deletion(pair):
    """A frozen instance refuses both in the same words; another one allows them."""
    (_, ours), (_, standard) = pair
    name = fields(ours[0])[0].name

    def attempts(value):
        yield outcome(lambda: setattr(value, name, 5))
        yield outcome(lambda: delattr(value, name))

    assert list(attempts(ours[0])) == list(attempts(standard[0]))


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, replace])
@pytest.mark.parametrize("name", ["Point", "Named", "Counter", "Open", "Written", "Ordered", "Deeper"])
def test_duplicates(name, duplicate):
    """A duplicate equals its original."""
    arguments, keywords = CALLS[name][0]
    value = OURS[name](*arguments, **keywords)
    assert duplicate(value) == value


def test_pickle():
    """Also with slots that nothing assigns to."""
    value = Picklable(1, Picklable(2))
    assert pickle.loads(pickle.dumps(value)) == value


def test_wrong_arguments():
    """The errors name the class and the parameter."""
    with pytest.raises(TypeError, match=r"Point\.__init__\(\) missing 1 required positional argument: 'x'"):
        OURS["Point"]()
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        OURS["Named"](name="a", colour=1)


def test_nothing_is_compiled_before_first_use():
    """Initialization compiles only `__init__`; a look-up of another method compiles that one."""
    kind = shapes(dataclass)["Point"]

    def compiled():
        return {n for n in ("__init__", "__eq__", "__hash__") if isinstance(vars(kind)[n], FunctionType)}

    assert compiled() == set()
    value = kind(1)
    assert compiled() == {"__init__"}
    assert value != 3
    assert compiled() == {"__init__", "__eq__"}
    assert {value: 1}[value] == 1
    assert compiled() == {"__init__", "__eq__", "__hash__"}


def test_a_plain_subclass_keeps_the_fields_frozen():
    """Attributes of its own are free, as in a plain subclass of a standard frozen data class."""
    value = type("Plain", (OURS["Written"],), {})(1)
    value.other = 2
    del value.other
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'value'"):
        value.value = 3


def test_standard_subclass_of_a_frozen_class():
    """Users derive with the standard decorator; one that is not frozen is refused, as ever."""
    derived = dataclasses.make_dataclass(
        "Derived", [("z", int, field(default=0))], bases=(OURS["Point"],), frozen=True
    )
    assert derived(1, z=3) == derived(1, z=3)
    with pytest.raises(TypeError, match="cannot inherit non-frozen dataclass from a frozen one"):
        dataclasses.dataclass(type("Thawed", (OURS["Point"],), {"__doc__": "thawed"}))


def test_weak_references():
    """`weakref_slot` makes a slot for them."""

    @dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
    class Referenced:
        """Referenced weakly."""

        value: int

    value = Referenced(1)
    assert weakref.ref(value)() is value


def test_first_use_by_many_threads():
    """Threads that compile the same method at the same time all get one that works."""
    for _ in range(20):
        kind = shapes(dataclass)["Named"]
        barrier = threading.Barrier(4)
        made: list[object] = []

        def act(kind=kind, barrier=barrier, made=made):
            barrier.wait()
            made.append(kind(name="a", size=3))

        threads = [threading.Thread(target=act) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert made == [kind(name="a", size=3)] * 4


def test_a_class_whose_module_is_gone(tmp_path, monkeypatch):
    """A module may leave `sys.modules` before its classes are used, as when a plugin is loaded again."""
    (tmp_path / "passing_module.py").write_text(
        "from ic_harness.lazy_dataclass import dataclass\n"
        "@dataclass(frozen=True, slots=True)\n"
        "class Passing:\n"
        "    size: int = 1\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    made = importlib.import_module("passing_module").Passing
    monkeypatch.delitem(sys.modules, "passing_module")
    assert made(2) == made(2) != made()
    assert len({made(2), made(2)}) == 1
