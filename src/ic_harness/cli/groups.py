"""Groups of commands that say which command was meant."""

from __future__ import annotations

import click

from ic_harness.suggestions import suggest


class SuggestingGroup(click.Group):
    """A group whose error for an unknown command names those that are like it."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that `args` begin with. Raises `click.UsageError` when there is none."""
        name = args[0]
        unknown = not name.startswith("-") and self.get_command(ctx, name) is None
        if unknown and not ctx.resilient_parsing:
            ctx.fail(f"No such command {name!r}; {suggest(name, self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)
