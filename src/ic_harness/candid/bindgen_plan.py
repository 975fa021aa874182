"""Plans the Python definitions of an interface.

Every record with names and every variant needs a class or an alias of its own. Anonymous ones are named after
their position (`upload_config` returning a record: `UploadConfigResult`); equal types share a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ic_harness.candid.bindgen_names import RESERVED_NAMES, free, pascal
from ic_harness.candid.bindgen_names import class_name as class_name_of
from ic_harness.candid.service import Method, Service
from ic_harness.candid.token_cursor import MAX_NESTING
from ic_harness.candid.types import (
    NULL,
    Field,
    Func,
    Named,
    Opt,
    Record,
    ServiceType,
    Type,
    Variant,
    Vec,
    in_source_order,
    resolve,
)
from ic_harness.errors import CandidError
from ic_harness.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Definition:
    """One named type of the generated module: `name` in Python, `candid` in the module's Candid text."""

    name: str
    candid: str
    type: Type
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a generated module defines, with all types rewritten to use the definitions."""

    definitions: tuple[Definition, ...]
    methods: tuple[Method, ...]
    init_args: tuple[Type, ...] | None
    init_names: tuple[str | None, ...]
    class_name: str
    doc: str
    python_names: Mapping[str, str]


def plan(service: Service, class_name: str | None = None) -> Plan:
    """Plan a module for a service.

    `class_name` is the client's name (by default the service's, or `Service`). Raises `CandidError` for types
    that no text could write, because they are nested more than `MAX_NESTING` levels deep.
    """
    _check_nesting(service)
    return _Planner(service).run(class_name)


def _check_nesting(service: Service) -> None:
    """Refuse what the recursion below could not follow, whatever the recursion limit of the process is."""
    waiting: list[tuple[Type, int]] = [(named.target, 1) for named in service.types.values()]
    for method in service.methods.values():
        waiting += [(type_, 1) for type_ in (*method.func.arg_types, *method.func.return_types)]
    waiting += [(type_, 1) for type_ in service.init_args or ()]
    while waiting:
        type_, depth = waiting.pop()
        if depth > MAX_NESTING:
            raise CandidError(f"types are nested more than {MAX_NESTING} levels deep")
        match type_:
            case Opt(inner) | Vec(inner):
                waiting.append((inner, depth + 1))
            case Record(fields) | Variant(fields):
                waiting += [(field.type, depth + 1) for field in fields]


class _Planner:
    def __init__(self, service: Service) -> None:
        self.service = service
        self.named: dict[str, Named] = {name: Named(name, named.doc) for name, named in service.types.items()}
        self.shared: dict[Type, Named] = {}
        self.order: list[str] = []
        self.taken: set[str] = set()
        self.python: dict[str, str] = {}

    def run(self, class_name: str | None) -> Plan:
        client = self._claim(class_name_of(class_name or self.service.name or "Service"))
        self.taken.add(f"Async{client}")
        # Names that are class names as they are come first: they keep them.
        for name in sorted(self.service.types, key=lambda name: class_name_of(name) != name):
            self.python[name] = self._claim(class_name_of(name))
        for name, source in self.service.types.items():
            self.order.append(name)
            target = source.target
            self.named[name].define(self._inside(target, self.python[name]))
        methods = tuple(self._method(m) for m in self.service.methods.values())
        init = self.service.init_args
        init_args = None if init is None else tuple(self._hoist(t, "InitArg") for t in init)
        definitions = tuple(
            Definition(self.python[name], name, self.named[name].target, self.named[name].doc)
            for name in self.order
        )
        return Plan(
            definitions, methods, init_args, self.service.init_names, client, self.service.doc, self.python
        )

    def _claim(self, wanted: str) -> str:
        name = free(wanted, lambda text: text in self.taken or text in RESERVED_NAMES)
        self.taken.add(name)
        return name

    def _is_taken(self, name: str) -> bool:
        return name in self.named or name in self.taken or name in RESERVED_NAMES

    def _method(self, method: Method) -> Method:
        base = class_name_of(method.name)
        func = method.func
        results = func.return_types
        new = Func(
            tuple(self._hoist(t, f"{base}Arg{index or ''}") for index, t in enumerate(func.arg_types)),
            tuple(self._hoist(t, f"{base}Result{index or ''}") for index, t in enumerate(results)),
            func.mode,
            func.arg_names,
            func.return_names,
        )
        return Method(method.name, new, method.doc)

    def _hoist(self, type_: Type, name: str) -> Type:
        """Return the type with every anonymous record and variant replaced by a named one."""
        match type_:
            case Record() | Variant() if type_.fields and not (isinstance(type_, Record) and type_.is_tuple):
                if type_ not in self.shared:
                    unique = free(name, self._is_taken)
                    named = self.shared[type_] = self.named[unique] = Named(unique)
                    self.python[unique] = self._claim(unique)
                    named.define(self._inside(type_, unique))
                    self.order.append(unique)
                return self.shared[type_]
        return self._inside(type_, name)

    def _inside(self, type_: Type, name: str) -> Type:  # noqa: PLR0911 - a return for each kind of type
        match type_:
            case Named():
                return self.named[type_.name]
            case Opt(inner):
                return Opt(self._hoist(inner, name))
            case Vec(inner):
                return Vec(self._hoist(inner, f"{name}Item"))
            case Record(fields):
                return Record(self._fields(fields, name))
            case Variant(fields):
                return Variant(self._fields(fields, name, "Value"))
            case Func() | ServiceType():
                return type_
        return type_

    def _fields(self, fields: tuple[Field, ...], owner: str, suffix: str = "") -> tuple[Field, ...]:
        hoisted = {}
        for f in in_source_order(
            fields
        ):  # a comprehension would take a frame more for every level of nesting
            hoisted[f.id] = self._hoist(f.type, f"{owner}{pascal(str(f.key))}{suffix}")
        return tuple(replace(f, type=hoisted[f.id]) for f in fields)


def is_enumeration(variant: Variant) -> bool:
    """Return whether no case has a payload, so that the variant is a Python enumeration."""
    return bool(variant.fields) and all(
        isinstance(f.name, str) and resolve(f.type) is NULL for f in variant.fields
    )


def is_result(variant: Variant) -> bool:
    """Return whether the variant is `variant { Ok : …; Err : … }`."""
    return {f.key for f in variant.fields} == {"Ok", "Err"}
