"""Builds pieces of Python source, laid out as a formatter does."""

from __future__ import annotations

import inspect
from typing import Final

WIDTH: Final = 88
"""Longest line that formatters leave unchanged with their default settings."""


def class_text(head: str, doc: str, lines: list[str]) -> str:
    """Return a class with its docstring and body."""
    body = "\n".join(lines)
    return "\n".join([head, *docstring(doc, "    "), *(["", body] if body else [])])


def docstring(doc: str, indent: str) -> list[str]:
    """Return the lines of a docstring."""
    visible = "\n".join(_visible(line.rstrip()) for line in escape(doc).strip().splitlines())
    lines = inspect.cleandoc(visible).split("\n")
    lines[0] = f" {lines[0]}" if lines[0].startswith('"') else lines[0]
    if len(lines) == 1:
        text = f'{lines[0][:-1]}\\"' if lines[0].endswith('"') else lines[0]
        return [f'{indent}"""{text}"""']
    return [
        f'{indent}"""{lines[0]}',
        *(f"{indent}{line}" if line else "" for line in lines[1:]),
        f'{indent}"""',
    ]


def _visible(line: str) -> str:
    """Return a line with control characters and marks of writing direction as escapes."""
    return "".join(c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in line)


def attribute_doc(doc: str) -> list[str]:
    """Return the lines of a docstring below an attribute; none for an empty doc."""
    return docstring(doc, "    ") if doc.strip() else []


def signature(head: str, parameters: list[str], returned: str, indent: str) -> str:
    """Return the head of a function; one parameter a line when it is long."""
    line = f"{head}({', '.join(parameters)}) -> {returned}:"
    if len(line) <= WIDTH:
        return line
    listing = "".join(f"{indent}    {parameter},\n" for parameter in parameters)
    return skip_long(f"{head}(\n{listing}{indent}) -> {returned}:")


def call(head: str, arguments: list[str], indent: str) -> str:
    """Return a call; one argument a line when it is long."""
    line = f"{indent}{head}({', '.join(arguments)})"
    if len(line) <= WIDTH:
        return line
    listing = "".join(f"{indent}    {argument},\n" for argument in arguments)
    return f"{indent}{head}(\n{listing}{indent})"


def bare(parameter: str) -> str:
    """Return the name of a parameter without annotation and default."""
    return parameter.partition(":")[0]


def skip_long(text: str) -> str:
    """Return the text, marked `# fmt: skip` when its last line is too long."""
    last = text.rpartition("\n")[2]
    return f"{text}  # fmt: skip" if len(last) > WIDTH else text


def dict_text(values: dict[str, str | int]) -> str:
    """Return a dict literal in a class body."""
    listing = "".join(f"        {quote(name)}: {quote(key)},\n" for name, key in values.items())
    return f"{{\n{listing}    }}"


def quote(value: str | int) -> str:
    """Return a literal as the formatter writes it: double quotes unless that needs more escapes."""
    if isinstance(value, int):
        return str(value)
    body = "".join(char if char in "'\"" else repr(char)[1:-1] for char in value)
    if value.count('"') > value.count("'"):
        return "'" + body.replace("'", "\\'") + "'"
    return '"' + body.replace('"', '\\"') + '"'


def escape(text: str) -> str:
    """Escape text for a triple-quoted string."""
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
