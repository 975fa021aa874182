"""`--help` of every command: it has an example, and every example is a command that exists with its options."""

from __future__ import annotations

import shlex

import click
import pytest

from ic_harness.cli import commands


def _commands(command, path):
    """Yield every command with its words."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path[-1])
        for name in command.list_commands(context):
            yield from _commands(command.get_command(context, name), (*path, name))


ALL = dict(_commands(commands, ("ic-harness",)))


def _examples(path):
    """Return the words of each example in the help of a command."""
    text = ALL[path].get_help(click.Context(ALL[path], info_name=" ".join(path)))
    lines = [line.strip() for line in text.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("ic-harness ")]


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_has_an_example(path):
    """The help has an example of the command itself, or of one of a group's."""
    assert [words for words in _examples(path) if tuple(words[: len(path)]) == path]


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_examples_exist(path):
    """Every example parses: the command is there, and takes these options and arguments."""
    for words in _examples(path):
        found = max((other for other in ALL if tuple(words[: len(other)]) == other), key=len)
        command, rest = ALL[found], words[len(found) :]
        assert not isinstance(command, click.Group), words
        context = click.Context(command, info_name=found[-1])
        parsed, left, _ = command.make_parser(context).parse_args(rest)
        assert left == [], words
        for parameter in command.get_params(context):
            given = parsed.get(parameter.name)
            if isinstance(parameter.type, click.Choice) and given is not None:
                parameter.type.convert(given, parameter, context)
