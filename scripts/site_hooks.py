"""Hooks of mkdocs: puts the commands and pytest's options into the page that has their markers.

They are read from the programs themselves when the site is built, so that the page cannot differ from `--help`. The
reason why the tests do not run a snippet is its title in the source; readers of the site do not see it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import click

from ic_harness.cli import commands
from ic_harness.testing.plugin import pytest_addoption

_COMMANDS: Final = "<!-- commands -->"
_OPTIONS: Final = "<!-- options of pytest -->"
_NOT_RUN: Final = re.compile(r'^(```\w*) title="not run: [^"\n]*"', re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the markers of a page (mkdocs calls this for each)."""
    if _COMMANDS in markdown:
        markdown = markdown.replace(_COMMANDS, "\n".join(_describe_commands()))
    if _OPTIONS in markdown:
        markdown = markdown.replace(_OPTIONS, "\n".join(_describe_options()))
    return _NOT_RUN.sub(r"\1", markdown)


def _describe_commands() -> Iterator[str]:
    """Each command with its help, groups with their commands."""
    context = click.Context(commands, info_name="ic-harness")
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        assert command is not None, name
        yield from _describe(command, click.Context(command, parent=context, info_name=name))


def _describe(command: click.Command, context: click.Context) -> Iterator[str]:
    yield from (f"### {context.command_path}", "", "```text", command.get_help(context), "```", "")
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None, name
            yield from _describe(inner, click.Context(inner, parent=context, info_name=name))


class _Options:
    """Stands for pytest's parser and its groups, and keeps what is added."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []

    def getgroup(self, *_: str) -> _Options:
        """Return the one group."""
        return self

    def addoption(self, *names: str, **settings: Any) -> None:
        """Keep an option."""
        value = settings.get("metavar")
        shown = ", ".join(names) + (f" {value}" if value else "")
        self.rows.append((shown, str(settings.get("help", ""))))

    def addini(self, name: str, help: str = "", **_: Any) -> None:  # noqa: A002 - pytest's name
        """Keep a setting of the configuration file."""
        self.rows.append((f"{name} (in the configuration file)", help))


def _describe_options() -> Iterator[str]:
    parser = _Options()
    pytest_addoption(parser)  # type: ignore[arg-type]
    yield from ("| option | effect |", "|---|---|")
    for name, text in parser.rows:
        escaped = text.replace("|", "\\|").replace("%%", "%")
        yield f"| `{name}` | {escaped} |"  # in code a bar ends no cell
