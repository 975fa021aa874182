"""Records and variants as classes of a generated module: pydantic models, or dataclasses without validation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ic_harness.candid.annotations import annotation
from ic_harness.candid.bindgen_names import (
    RESERVED_NAMES,
    attributes,
    enumeration_members,
    free,
    pascal,
)
from ic_harness.candid.bindgen_plan import Definition, Plan, is_enumeration, is_result
from ic_harness.candid.bindgen_text import attribute_doc, class_text, dict_text, quote, skip_long
from ic_harness.candid.types import NULL, Field, Record, Variant, in_source_order, nullable, resolve

_SHADOWED: Final = {
    "bool": "rt.Bool", "str": "rt.Text", "bytes": "rt.Blob", "float": "rt.Float", "list": "rt.Vec",
    "tuple": "rt.Tuple", "object": "rt.Reserved",
}  # fmt: skip
"""Names for built-in types in a class that has a member of the same name."""

_DATACLASS: Final = "@dataclass(frozen=True, slots=True)\n"
_KEYWORD_DATACLASS: Final = "@dataclass(frozen=True, slots=True, kw_only=True)\n"


def words(text: str) -> set[str]:
    """Return the names in an annotation that are looked up in the enclosing class."""
    return set(re.findall(r"(?<!\.)\b\w+", text))


def unshadowed(text: str, members: set[str]) -> str:
    """Replace built-in types in an annotation that members of the class shadow."""
    for word in members & _SHADOWED.keys():
        text = re.sub(rf"(?<!\.)\b{word}\b", _SHADOWED[word], text)
    return text


class Classes:
    """Prints definitions as pydantic models, enumerations, and unions of cases.

    `exports` collects the names that are defined, `cases` the classes of the cases of variants.
    """

    def __init__(self, plan: Plan) -> None:
        self.names = plan.python_names
        self.taken = {*self.names.values(), plan.class_name, f"Async{plan.class_name}"}
        self.exports: list[str] = []
        self.cases: dict[tuple[str, str | int], str] = {}

    def classes(self, definition: Definition) -> Iterator[str]:
        """Yield the classes of a definition; none for one that is an alias only."""
        type_ = definition.type
        if isinstance(type_, Record) and not type_.is_tuple:
            self.exports.append(definition.name)
            yield self.record(definition, type_)
        elif isinstance(type_, Variant) and not is_result(type_):
            if is_enumeration(type_):
                self.exports.append(definition.name)
                yield self.enumeration(definition, type_)
            else:
                yield from (self.case(definition, f) for f in in_source_order(type_.fields))

    def is_alias(self, definition: Definition) -> bool:
        """Return whether a definition is an alias: anything but a record and an enumeration."""
        type_ = definition.type
        if isinstance(type_, Record):
            return type_.is_tuple
        return not (isinstance(type_, Variant) and is_enumeration(type_)) or is_result(type_)

    def members(self, definition: Definition) -> list[str]:
        """Return the types of which an alias is the union."""
        type_ = definition.type
        if isinstance(type_, Variant) and is_result(type_):
            payloads = {f.key: annotation(f.type, self.names) for f in type_.fields}
            return [f"rt.Ok[{payloads['Ok']}]", f"rt.Err[{payloads['Err']}]"]
        if isinstance(type_, Variant) and type_.fields:
            return [self.cases[definition.candid, f.key] for f in in_source_order(type_.fields)]
        return [annotation(type_, self.names)]

    def entry(self, definition: Definition) -> str:
        """Return the entry of a definition in the table of classes that the interface gets, or nothing."""
        type_ = definition.type
        whole = f"        {quote(definition.candid)}: {definition.name},\n"
        if isinstance(type_, Record) and not type_.is_tuple:
            return whole
        if not isinstance(type_, Variant) or not type_.fields or is_result(type_):
            return ""
        if is_enumeration(type_):
            return whole
        cases = "".join(
            f"            {quote(f.key)}: {self.cases[definition.candid, f.key]},\n"
            for f in in_source_order(type_.fields)
        )
        return f"        {quote(definition.candid)}: {{\n{cases}        }},\n"

    def record(self, definition: Definition, record: Record) -> str:
        """Return a record as a class; an attribute that cannot have its Candid name has an entry in `candid_keys`."""
        written = in_source_order(record.fields)
        texts = [annotation(f.type, self.names) for f in written]
        used = {word for text in texts for word in words(text)} - _SHADOWED.keys()
        found = attributes([f.key for f in written], used)
        renamed = {name: f.key for f, name in zip(written, found, strict=True) if name != f.key}
        keys = {str(f.key) for f in written if isinstance(f.key, str)}
        lines: list[str] = []
        for f, name, text in zip(written, found, texts, strict=True):
            alias = str(f.key) if isinstance(f.key, str) or str(f.key) not in keys else None
            lines += [self.field_line(name, unshadowed(text, set(found)), f, alias), *attribute_doc(f.doc)]
        table = [f"    candid_keys = {dict_text(renamed)}", ""] if renamed else []
        doc = definition.doc or f"`{definition.candid}`."
        return class_text(self.record_head(definition.name), doc, [*table, *lines])

    def record_head(self, name: str) -> str:
        """Return the first lines of the class of a record."""
        return f"class {name}(rt.Model):"

    def field_line(self, name: str, text: str, f: Field, alias: str | None) -> str:
        """Return the line of a field; `alias` is its other name in the model's data, None without one."""
        default = "None" if nullable(f.type) else ""
        if alias in (name, None):
            return skip_long(f"    {name}: {text}{f' = {default}' if default else ''}")
        aliases = f"validation_alias=AliasChoices({quote(str(alias))}, {quote(name)})"
        parts = [*(["default=None"] if default else []), aliases, f"serialization_alias={quote(str(alias))}"]
        return "\n".join([f"    {name}: {text} = Field(", *(f"        {part}," for part in parts), "    )"])

    def enumeration(self, definition: Definition, variant: Variant) -> str:
        """Return a variant without payloads as an enumeration."""
        lines: list[str] = []
        written = in_source_order(variant.fields)
        found = enumeration_members([f.key for f in written])
        for f, member in zip(written, found, strict=True):
            lines += [f"    {member} = {quote(f.key)}", *attribute_doc(f.doc)]
        doc = definition.doc or f"`{definition.candid}`."
        return class_text(f"class {definition.name}(rt.Enumeration):", doc, lines)

    def case(self, definition: Definition, f: Field) -> str:
        """Return one case of a variant as a class with the attribute `value` when there is a payload."""
        name = self.claim_case(definition, f)
        value = [] if resolve(f.type) is NULL else [f"    value: {annotation(f.type, self.names)}"]
        lines = [*map(skip_long, value), f"    candid_key: ClassVar[str | int] = {quote(f.key)}"]
        doc = f.doc or f"The case `{f.key}` of `{definition.candid}`."
        return class_text(f"{_DATACLASS}class {name}(rt.Case):", doc, lines)

    def claim_case(self, definition: Definition, f: Field) -> str:
        """Return the name of the class of one case, which is then taken."""
        name = free(f"{definition.name}{pascal(str(f.key))}", self.is_taken)
        self.taken.add(name)
        self.exports.append(name)
        self.cases[definition.candid, f.key] = name
        return name

    def is_taken(self, name: str) -> bool:
        """Return whether a class cannot have this name."""
        return name in self.taken or name in RESERVED_NAMES


class DataClasses(Classes):
    """Prints records as frozen dataclasses; their values are checked when they are encoded."""

    def record_head(self, name: str) -> str:
        """Return the first lines of the class of a record."""
        return f"{_KEYWORD_DATACLASS}class {name}(rt.Struct):"

    def field_line(self, name: str, text: str, f: Field, alias: str | None) -> str:  # noqa: ARG002 - no aliases
        """Return the line of a field."""
        return skip_long(f"    {name}: {text}{' = None' if nullable(f.type) else ''}")
