"""Plans the Python definitions of an interface.

Every record with names and every variant needs a class or an alias of its own. Anonymous ones are named after
their position (`upload_config` returning a record: `UploadConfigResult`); equal types share a name.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ic_harness.candid.service import Method, Service
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

RESERVED_NAMES = frozenset([*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "rt", "INTERFACE"])


def pascal(name: str) -> str:
    """`uploads_begin` and `uploadsBegin` as a class name: `UploadsBegin`."""
    words = "".join(char if char.isalnum() and char.isascii() else "_" for char in name).split("_")
    return "".join(word[:1].upper() + word[1:] for word in words) or "Unnamed"


def identifier(name: str | int, *, public: bool = False) -> str:
    """Return a Candid name as a Python identifier that is not a keyword; a number n becomes `field_n`.

    `public` strips leading underscores, which mark private attributes of models.
    """
    if isinstance(name, int):
        return f"field_{name}"
    plain = "".join(char if (char.isalnum() and char.isascii()) or char == "_" else "_" for char in name)
    plain = plain.lstrip("_") if public or plain.startswith("__") else plain
    if not plain.strip("_") or plain[0].isdigit():
        plain = f"field_{plain}"
    return f"{plain}_" if keyword.iskeyword(plain) else plain


def distinct(names: Iterable[str]) -> list[str]:
    """Return the names, with underscores appended to repeated ones."""
    found: list[str] = []
    for name in names:
        unique = name
        while unique in found:
            unique += "_"
        found.append(unique)
    return found


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
    class_name: str
    doc: str
    python_names: Mapping[str, str]


def plan(service: Service, class_name: str | None = None) -> Plan:
    """Plan a module for a service.

    `class_name` is the client's name (by default the service's, or `Service`).
    """
    return _Planner(service).run(class_name)


class _Planner:
    def __init__(self, service: Service) -> None:
        self.service = service
        self.named: dict[str, Named] = {name: Named(name, named.doc) for name, named in service.types.items()}
        self.shared: dict[Type, Named] = {}
        self.order: list[str] = []
        self.taken: set[str] = set()
        self.python: dict[str, str] = {}

    def run(self, class_name: str | None) -> Plan:
        client = self._claim(pascal(class_name or self.service.name or "Service"))
        self.taken.add(f"Async{client}")
        for name in self.service.types:
            self.python[name] = self._claim(name if name[0].isupper() else pascal(name))
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
        return Plan(definitions, methods, init_args, client, self.service.doc, self.python)

    def _claim(self, wanted: str) -> str:
        name = identifier(wanted)
        while name in self.taken or name in RESERVED_NAMES:
            name += "_"
        self.taken.add(name)
        return name

    def _method(self, method: Method) -> Method:
        base = pascal(method.name)
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
            case Named():
                return self.named[type_.name]
            case Record() | Variant() if type_.fields and not (isinstance(type_, Record) and type_.is_tuple):
                return self._define(type_, name)
        return self._inside(type_, name)

    def _define(self, type_: Type, wanted: str) -> Named:
        if type_ not in self.shared:
            name = wanted
            while name in self.named or name in self.taken or name in RESERVED_NAMES:
                name += "_"
            named = self.shared[type_] = self.named[name] = Named(name)
            self.python[name] = self._claim(name)
            named.define(self._inside(type_, name))
            self.order.append(name)
        return self.shared[type_]

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
        hoisted = {
            f.id: self._hoist(f.type, f"{owner}{pascal(str(f.key))}{suffix}") for f in in_source_order(fields)
        }
        return tuple(replace(f, type=hoisted[f.id]) for f in fields)


def is_enumeration(variant: Variant) -> bool:
    """Return whether no case has a payload, so that the variant is a Python enumeration."""
    return bool(variant.fields) and all(
        isinstance(f.name, str) and resolve(f.type) is NULL for f in variant.fields
    )


def is_result(variant: Variant) -> bool:
    """Return whether the variant is `variant { Ok : …; Err : … }`."""
    return {f.key for f in variant.fields} == {"Ok", "Err"}
