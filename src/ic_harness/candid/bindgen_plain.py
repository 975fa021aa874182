"""Records and variants as plain dictionaries that type checkers know: `TypedDict` definitions.

A value is what the codec returns: a record is a dict by field name, a variant a dict with one key. Fields that may
be null may be left out of an argument; in a result they are there.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator

from ic_harness.candid.annotations import annotation
from ic_harness.candid.bindgen_classes import Classes, words
from ic_harness.candid.bindgen_plan import Definition
from ic_harness.candid.bindgen_text import attribute_doc, class_text, docstring, quote, skip_long
from ic_harness.candid.types import Field, Record, Variant, in_source_order, nullable


class PlainClasses(Classes):
    """Prints records and cases of variants as `TypedDict` definitions."""

    def classes(self, definition: Definition) -> Iterator[str]:
        """Yield the dictionaries of a definition; none for one that is an alias only."""
        type_ = definition.type
        if isinstance(type_, Record) and not self.is_alias(definition):
            self.exports.append(definition.name)
            doc = definition.doc or f"`{definition.candid}`."
            yield self.typed_dict(definition.name, in_source_order(type_.fields), doc)
        elif isinstance(type_, Variant):
            for f in in_source_order(type_.fields):
                if isinstance(f.key, str):
                    doc = f.doc or f"The case `{f.key}` of `{definition.candid}`."
                    yield self.typed_dict(self.claim_case(definition, f), [f], doc, required=True)

    def is_alias(self, definition: Definition) -> bool:
        """Return whether a definition is an alias: anything but a record whose fields have names."""
        type_ = definition.type
        return not isinstance(type_, Record) or not all(isinstance(f.key, str) for f in type_.fields)

    def members(self, definition: Definition) -> list[str]:
        """Return the types of which an alias is the union."""
        type_ = definition.type
        if isinstance(type_, Variant) and type_.fields:
            return [self.case_type(definition, f) for f in in_source_order(type_.fields)]
        if isinstance(type_, Record) and type_.fields and not type_.is_tuple:
            return ["dict[str | int, Any]"]
        return [annotation(type_, self.names)]

    def case_type(self, definition: Definition, f: Field) -> str:
        """Return the type of the values of one case; a dict by number when the label is one."""
        found = self.cases.get((definition.candid, f.key))
        return found or f"dict[int, {annotation(f.type, self.names)}]"

    def entry(self, definition: Definition) -> str:  # noqa: ARG002 - the same for every definition
        """Return nothing: plain values have no classes."""
        return ""

    def typed_dict(self, name: str, fields: list[Field], doc: str, *, required: bool = False) -> str:
        """Return a `TypedDict`, as a class where every key can be an attribute of one."""
        texts = {str(f.key): annotation(f.type, self.names) for f in fields}
        optional = {str(f.key) for f in fields if nullable(f.type) and not required}
        used = {word for text in texts.values() for word in words(text)} | {"NotRequired", "rt"}
        if all(_is_attribute(key, used) for key in texts):
            lines: list[str] = []
            for f in fields:
                text = texts[str(f.key)]
                whole = f"NotRequired[{text}]" if f.key in optional else text
                lines += [skip_long(f"    {f.key}: {whole}"), *attribute_doc(f.doc)]
            # Type checkers tell closed dictionaries apart by `"Ok" in value`.
            mark = "@final\n" if required else ""
            return class_text(f"{mark}class {name}(TypedDict):", doc, lines)
        items = "".join(
            f"        {quote(key)}: {f'NotRequired[{quote(text)}]' if key in optional else quote(text)},\n"
            for key, text in texts.items()
        )
        head = f"{name} = TypedDict(\n    {quote(name)},\n    {{\n{items}    }},\n)"
        return "\n".join([head, *docstring(doc, "")])


def _is_attribute(key: str, used: set[str]) -> bool:
    """Return whether a class can have the annotation `key: …` without hiding a name that is used in it."""
    plain = key.isascii() and key.isidentifier() and not keyword.iskeyword(key)
    return plain and not key.startswith("__") and key not in used
