"""Converts between messages, the codec's values, and the classes of generated modules.

A generated module has its types twice: as Python classes, and as Candid text. `Interface` joins them.

Converters are made once per type. After decoding, a record's dict becomes the `__dict__` of its model
without validation, since the codec has just checked every value against the same types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from ic_harness.candid.decoding import decode
from ic_harness.candid.encoding import encode
from ic_harness.candid.models import Case, Enumeration, Err, Model, Ok, Struct
from ic_harness.candid.parser import parse
from ic_harness.candid.references import Some
from ic_harness.candid.service import Method, Service
from ic_harness.candid.types import Field, Opt, Record, Type, Variant, Vec, nullable, resolve

Converter = Callable[[Any], Any]


class Conversion:
    """Makes converters by type. None means that the type needs no conversion."""

    def __init__(self, classes: Mapping[int, Any]) -> None:
        self._classes = classes
        self._made: dict[int, Converter | None] = {}
        self._open: dict[int, bool] = {}

    def convert(self, type_: Type, value: Any) -> Any:
        """Convert one value of a type."""
        convert = self.of(type_)
        return value if convert is None else convert(value)

    def of(self, type_: Type) -> Converter | None:
        """Return the converter for a type."""
        actual = resolve(type_)
        key = id(actual)
        if key in self._made:
            return self._made[key]
        if key in self._open:
            # The type contains itself: look up its converter when there is a value.
            return lambda value: self.convert(actual, value)
        self._open[key] = True
        made = self._make(actual)
        del self._open[key]
        self._made[key] = made
        return made

    def _make(self, type_: Type) -> Converter | None:
        match type_:
            case Opt(inner):
                return self._option(self.of(inner), wrapped=nullable(inner))
            case Vec(inner):
                element = self.of(inner)
                return None if element is None else lambda values: [element(value) for value in values]
            case Record(fields) if type_.is_tuple:
                return _each([self.of(f.type) for f in fields])
            case Record(fields):
                return self._record(type_, [(f, self.of(f.type)) for f in fields])
            case Variant(fields):
                return self._variant(type_, [(f, self.of(f.type)) for f in fields])
        return None

    def _option(self, inner: Converter | None, *, wrapped: bool) -> Converter | None:
        if inner is None:
            return None
        if wrapped:
            return lambda value: Some(inner(value.value)) if isinstance(value, Some) else value
        return lambda value: None if value is None else inner(value)

    def _record(self, record: Record, fields: list[tuple[Field, Converter | None]]) -> Converter | None:
        raise NotImplementedError

    def _variant(self, variant: Variant, cases: list[tuple[Field, Converter | None]]) -> Converter | None:
        raise NotImplementedError


def _each(converters: list[Converter | None]) -> Converter | None:
    if not any(converters):
        return None
    return lambda values: tuple(
        value if convert is None else convert(value)
        for convert, value in zip(converters, values, strict=True)
    )


class Lifting(Conversion):
    """Converts the codec's values to models."""

    def _record(self, record: Record, fields: list[tuple[Field, Converter | None]]) -> Converter | None:
        model: Any = self._classes.get(id(record))
        if model is None:
            return None
        names = {key: name for name, key in model.candid_keys.items()}
        if issubclass(model, Struct):
            return _struct_maker(model, [(f.key, names.get(f.key, str(f.key)), c) for f, c in fields])
        renamed = [(f.key, names[f.key]) for f, _ in fields if f.key in names]
        converted = [(f.key, convert) for f, convert in fields if convert is not None]
        set_names = {names.get(f.key, f.key) for f, _ in fields}
        new, fill = model.__new__, object.__setattr__

        def lift(values: dict[Any, Any]) -> Any:
            for key, convert in converted:
                values[key] = convert(values[key])
            for key, name in renamed:
                values[name] = values.pop(key)
            made = new(model)
            # As BaseModel.model_construct, without its search for defaults and aliases.
            fill(made, "__dict__", values)
            fill(made, "__pydantic_fields_set__", set_names.copy())
            fill(made, "__pydantic_extra__", None)
            fill(made, "__pydantic_private__", None)
            return made

        return lift

    def _variant(self, variant: Variant, cases: list[tuple[Field, Converter | None]]) -> Converter:
        found: Any = self._classes.get(id(variant), {})
        if isinstance(found, type) and issubclass(found, Enumeration):
            members = {member.value: member for member in found}
            return lambda value: members[str(next(iter(value)))]
        makers = {
            f.key: _case_maker(found.get(f.key) or {"Ok": Ok, "Err": Err}[str(f.key)], convert)
            for f, convert in cases
        }

        def lift(value: dict[Any, Any]) -> Any:
            ((key, payload),) = value.items()
            return makers[key](payload)

        return lift


def _struct_maker(struct: Any, plan: list[tuple[str | int, str, Converter | None]]) -> Converter:
    return lambda values: struct(
        **{name: values[key] if convert is None else convert(values[key]) for key, name, convert in plan}
    )


def _case_maker(case: Any, convert: Converter | None) -> Converter:
    if not getattr(case, "__match_args__", ()):
        return lambda _payload: case()
    return case if convert is None else lambda payload: case(convert(payload))


class Lowering(Conversion):
    """Converts models to the codec's values. Plain values (dicts, tags) are returned as they are."""

    def _record(self, record: Record, fields: list[tuple[Field, Converter | None]]) -> Converter | None:
        model: type[Model | Struct] | None = self._classes.get(id(record))
        if model is None:
            return None
        names = {key: name for name, key in model.candid_keys.items()}
        plan = [(f.key, names.get(f.key, str(f.key)), convert) for f, convert in fields]

        def lower(value: Any) -> Any:
            if isinstance(value, Struct):
                given: Any = {name: getattr(value, name) for _, name, _ in plan}
            elif isinstance(value, Model):
                given = value.__dict__
            else:
                return value
            return {
                key: given[name] if convert is None else convert(given[name]) for key, name, convert in plan
            }

        return lower

    def _variant(
        self,
        variant: Variant,  # noqa: ARG002 - values say themselves which classes they have
        cases: list[tuple[Field, Converter | None]],
    ) -> Converter:
        converters = {f.key: convert for f, convert in cases}

        def lower(value: Any) -> Any:
            if not isinstance(value, Case):
                return str(value) if isinstance(value, Enumeration) else value
            payload = getattr(value, "value", None)
            convert = converters.get(value.candid_key)
            return {value.candid_key: payload if convert is None else convert(payload)}

        return lower


class Interface:
    """The Candid interface of a generated module: its text, parsed at first use, and its classes.

    `classes` maps the name of a type in the text to its class: a `Model`, a `Struct`, an `Enumeration`, or a dict
    of cases. Without it values are those of the codec: dictionaries, with no conversion.
    """

    def __init__(self, text: str, classes: Mapping[str, Any] | None = None) -> None:
        self._text = text
        self._classes = classes

    @cached_property
    def service(self) -> Service:
        """The parsed interface."""
        return parse(self._text)

    @cached_property
    def _by_type(self) -> dict[int, Any]:
        return {id(resolve(self.service.types[name])): cls for name, cls in (self._classes or {}).items()}

    @cached_property
    def _codecs(self) -> dict[str, _MethodCodec]:
        return {}

    def codec(self, method: str) -> _MethodCodec:
        """Return the codec of a method, which is made at its first call."""
        found = self._codecs.get(method)
        if found is None:
            found = self._codecs[method] = _MethodCodec(self.service.methods[method], self)
        return found

    def encode_init(self, *values: Any) -> bytes:
        """Encode the arguments of installation."""
        types = self.service.init_args or ()
        lower, _ = self.converters(types)
        return encode(
            [
                value if convert is None else convert(value)
                for convert, value in zip(lower, values, strict=True)
            ],
            types,
        )

    def converters(self, types: Sequence[Type]) -> tuple[list[Converter | None], list[Converter | None]]:
        """Return for each type the converters to and from the codec's values; None where they are the same."""
        if self._classes is None:
            return [None] * len(types), [None] * len(types)
        lower, lift = Lowering(self._by_type), Lifting(self._by_type)
        return [lower.of(t) for t in types], [lift.of(t) for t in types]


class _MethodCodec:
    """Encodes arguments and decodes results of one method."""

    def __init__(self, method: Method, interface: Interface) -> None:
        self.method = method
        self._arg_types, self._return_types = method.arg_types, method.return_types
        self._lower, _ = interface.converters(self._arg_types)
        _, self._lift = interface.converters(self._return_types)

    def encode(self, values: Sequence[Any]) -> bytes:
        return encode(self.lower(values), self._arg_types)

    def decode(self, reply: bytes) -> Any:
        return self.lift(decode(reply, self._return_types))

    def lower(self, values: Sequence[Any]) -> list[Any]:
        """Convert arguments to the codec's values."""
        return [
            value if convert is None else convert(value)
            for convert, value in zip(self._lower, values, strict=True)
        ]

    def lift(self, values: Sequence[Any]) -> Any:
        """Convert results: one value, a tuple of several, or None for none."""
        lifted = tuple(
            value if convert is None else convert(value)
            for convert, value in zip(self._lift, values, strict=True)
        )
        if len(lifted) == 1:
            return lifted[0]
        return lifted or None
