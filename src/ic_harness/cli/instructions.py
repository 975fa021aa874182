"""The type of options that take a number of instructions."""

from __future__ import annotations

from typing import Any, Final

import click

from ic_harness.units import parse_instructions


class InstructionsType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A number of instructions, such as `20M` or `1_000_000`."""

    name = "N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the number; fails with the usage of the command."""
        try:
            return parse_instructions(value)
        except ValueError as error:
            self.fail(f"{value}: {error}", param, ctx)


INSTRUCTIONS: Final = InstructionsType()
