"""`dataclasses.dataclass` whose methods are compiled on first use, so that start-up pays only for what runs.

The standard decorator compiles up to seven functions for each class while its module is imported. That takes half a
millisecond, and the replica has 150 such classes, of which a test uses a few. Here the standard decorator determines
only the fields and the slots, a tenth of that work. `__init__`, `__eq__` and `__hash__` are descriptors that compile
the function when it is first looked up and then replace themselves; the other methods are shared by all classes.

Every module of `ic_harness` uses this decorator. `field`, `fields` and `replace` are those of `dataclasses`; for
`is_dataclass`, pattern matching, `copy` and type checkers the classes are ordinary data classes. A class that inherits
from a data class or asks for `order` is left to the standard decorator. `InitVar` is not supported.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from functools import partial
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, Final

__all__ = ["dataclass"]


class _Method:
    """A method that is compiled on first look-up."""

    __slots__ = ("_compile", "_globals", "_name", "_owner")

    def __init__(self, owner: type, name: str, compile_: Callable[[type, dict[str, Any]], Any]) -> None:
        self._owner = owner
        self._name = name
        self._compile = compile_
        # Now, because a module may be gone from `sys.modules` when its class is first used.
        self._globals = vars(sys.modules[owner.__module__])

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        function = self._compile(self._owner, self._globals)
        setattr(self._owner, self._name, function)
        return function.__get__(instance, owner)


class _Omitted:
    """The default of a parameter whose field has a `default_factory`, as a signature shows it."""

    def __repr__(self) -> str:
        return "<factory>"


_OMITTED: Final = _Omitted()


def _compile_init(cls: type, module: dict[str, Any]) -> Any:
    frozen: bool = getattr(cls, "__dataclass_params__").frozen  # noqa: B009  # no type checker knows it
    names: dict[str, object] = {"_set": object.__setattr__, "_OMITTED": _OMITTED}
    positional: list[str] = []
    keyword: list[str] = []
    body: list[str] = []
    for field in fields(cls):
        value = _initial_value(cls, field, names)
        if field.init:
            (keyword if field.kw_only else positional).append(_parameter(field, names))
        if value is not None:
            name = field.name
            body.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ["self", *positional, *(["*", *keyword] if keyword else [])]
    init = _compile(cls, "__init__", parameters, body or ["pass"], names, module)
    init.__annotations__ = {field.name: field.type for field in fields(cls) if field.init} | {"return": None}
    return init


def _initial_value(cls: type, field: Field[Any], names: dict[str, object]) -> str | None:
    """Return the expression that initializes `field`, or None if nothing is assigned."""
    if field.default_factory is not MISSING:
        names[f"_new_{field.name}"] = field.default_factory
        new = f"_new_{field.name}()"
        return f"{new} if {field.name} is _OMITTED else {field.name}" if field.init else new
    if field.init:
        return field.name
    if field.default is not MISSING and "__slots__" in vars(cls):
        names[f"_default_{field.name}"] = field.default
        return f"_default_{field.name}"
    return None  # a class attribute has the default, or `__post_init__` assigns the value


def _parameter(field: Field[Any], names: dict[str, object]) -> str:
    if field.default_factory is not MISSING:
        return f"{field.name}=_OMITTED"
    if field.default is not MISSING:
        names[f"_default_{field.name}"] = field.default
        return f"{field.name}=_default_{field.name}"
    return field.name


def _compile_eq(cls: type, module: dict[str, Any]) -> Any:
    names = [field.name for field in fields(cls) if field.compare]
    body = [
        "if other.__class__ is self.__class__:",
        f" return {_values('self', names)} == {_values('other', names)}",
        "return NotImplemented",
    ]
    return _compile(cls, "__eq__", ["self", "other"], body, {}, module)


def _compile_hash(cls: type, module: dict[str, Any]) -> Any:
    names = [field.name for field in fields(cls) if (field.compare if field.hash is None else field.hash)]
    body = [f"return hash({_values('self', names)})"]
    return _compile(cls, "__hash__", ["self"], body, {}, module)


def _values(subject: str, names: list[str]) -> str:
    return "(" + "".join(f"{subject}.{name}, " for name in names) + ")"


def _compile(
    cls: type,
    name: str,
    parameters: list[str],
    body: list[str],
    names: dict[str, object],
    module: dict[str, Any],
) -> Any:
    """Compile a method of `cls`; `names` are visible in it, in front of those of `module`."""
    lines = [
        f"def _create({', '.join(names)}):",
        f" def {name}({', '.join(parameters)}):",
        *(f"  {line}" for line in body),
        f" return {name}",
    ]
    found: dict[str, Any] = {}
    exec("\n".join(lines), module, found)  # noqa: S102  # names of fields only
    function = found["_create"](**names)
    function.__qualname__ = f"{cls.__qualname__}.{name}"
    return function


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse_assignment(self: Any, name: str, value: object) -> None:
    _refuse(self, name, "assign to")
    object.__setattr__(self, name, value)


def _refuse_deletion(self: Any, name: str) -> None:
    _refuse(self, name, "delete")
    object.__delattr__(self, name)


def _refuse(instance: Any, name: str, action: str) -> None:
    """Refuse all attributes of a frozen data class; a subclass that is none may have others."""
    kind = type(instance)
    if "__dataclass_fields__" in vars(kind) or name in kind.__dataclass_fields__:
        raise FrozenInstanceError(f"cannot {action} field {name!r}")


def _get_state(self: Any) -> list[object]:
    return [getattr(self, field.name) for field in fields(self)]


def _set_state(self: Any, state: list[object]) -> None:
    for field, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


_FROZEN: Final = {"__setattr__": _refuse_assignment, "__delattr__": _refuse_deletion}
_FROZEN_SLOTS: Final = {"__getstate__": _get_state, "__setstate__": _set_state}
"""What `copy` and `pickle` need where there are slots that cannot be assigned to."""


def _make(
    cls: type,
    *,
    frozen: bool = False,
    eq: bool = True,
    order: bool = False,
    slots: bool = False,
    kw_only: bool = False,
    weakref_slot: bool = False,
) -> Any:
    if order or hasattr(cls, "__dataclass_fields__"):
        standard = dataclasses.dataclass(
            frozen=frozen, eq=eq, order=order, slots=slots, kw_only=kw_only, weakref_slot=weakref_slot
        )
        return standard(cls)
    own = dict(vars(cls))
    made: Any = dataclasses.dataclass(
        init=False, repr=False, eq=False, slots=slots, kw_only=kw_only, weakref_slot=weakref_slot
    )(cls)
    made.__dataclass_params__.frozen = frozen  # classes that inherit must agree
    for name, method in _methods(made, own, frozen=frozen, eq=eq, slots=slots).items():
        setattr(made, name, method)
    return made


def _methods(cls: type, own: dict[str, Any], *, frozen: bool, eq: bool, slots: bool) -> dict[str, Any]:
    """Return the methods to add to `cls`, whose body defined the attributes `own`."""
    methods: dict[str, Any] = {"__init__": _Method(cls, "__init__", _compile_init), "__repr__": _repr}
    if frozen:
        methods |= _FROZEN | (_FROZEN_SLOTS if slots else {})
    if eq:
        methods["__eq__"] = _Method(cls, "__eq__", _compile_eq)
    methods = {name: method for name, method in methods.items() if name not in own}
    if eq and own.get("__hash__") is None:  # Python itself sets None in a class that defines `__eq__`
        methods["__hash__"] = _Method(cls, "__hash__", _compile_hash) if frozen else None
    return methods


if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls: type | None = None, /, **options: bool) -> Any:
        """Make a data class; the parameters are those of `dataclasses.dataclass`."""
        return partial(_make, **options) if cls is None else _make(cls, **options)
