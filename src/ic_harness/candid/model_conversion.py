"""Converts between the codec's values and the classes of generated modules.

Converters are made once per type. After decoding, a record's dict becomes the `__dict__` of its model
without validation, since the codec has just checked every value against the same types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ic_harness.candid.models import Case, Enumeration, Err, Model, Ok
from ic_harness.candid.references import Some
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
        model: type[Model] | None = self._classes.get(id(record))
        if model is None:
            return None
        names = {key: name for name, key in model.candid_keys.items()}
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


def _case_maker(case: Any, convert: Converter | None) -> Converter:
    if not getattr(case, "__match_args__", ()):
        return lambda _payload: case()
    return case if convert is None else lambda payload: case(convert(payload))


class Lowering(Conversion):
    """Converts models to the codec's values. Plain values (dicts, tags) are returned as they are."""

    def _record(self, record: Record, fields: list[tuple[Field, Converter | None]]) -> Converter | None:
        model: type[Model] | None = self._classes.get(id(record))
        if model is None:
            return None
        names = {key: name for name, key in model.candid_keys.items()}
        plan = [(f.key, names.get(f.key, str(f.key)), convert) for f, convert in fields]

        def lower(value: Any) -> Any:
            if not isinstance(value, Model):
                return value
            given = value.__dict__
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
