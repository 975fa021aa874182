"""A lower limit of instructions for each message, which a test may set.

It never raises the limits of the Internet Computer. Code that is installed keeps at least `INSTALL_LEAST`, so that a
small limit for calls does not refuse the installation of the canister that is called.
"""

from __future__ import annotations

from typing import Final

from ic_harness.errors import InputError
from ic_harness.replica.state.config import INSTALL_INSTRUCTIONS, LEAST_SLICE, UPDATE_INSTRUCTIONS
from ic_harness.text import brief

from .interface import Environment, Mode

INSTALL_LEAST: Final = 5_000_000_000
"""Instructions that `init`, `pre_upgrade` and `post_upgrade` may always execute."""
_INSTALLING: Final = frozenset({Mode.START, Mode.INIT, Mode.PRE_UPGRADE, Mode.POST_UPGRADE})


class MessageLimit:
    """The limit that holds at present: `instructions` of one message, None for those of the Internet Computer."""

    def __init__(self) -> None:
        self.instructions: int | None = None

    def applied(self, env: Environment) -> Environment:
        """Return `env` with the lower limit, or as it is where its own is lower."""
        limit = self.instructions
        if limit is None:
            return env
        if env.mode in _INSTALLING:
            limit = max(limit, INSTALL_LEAST)
        return env if env.instruction_limit <= limit else env._replace(instruction_limit=limit)


def check_instructions(limit: object) -> None:
    """Raise `InputError` unless `limit` is None or a number of instructions that a message can be limited to."""
    if limit is None or (type(limit) is int and 1 <= limit <= UPDATE_INSTRUCTIONS):
        return
    raise InputError(
        f"a message can be limited to 1 to {UPDATE_INSTRUCTIONS:,} instructions (what the Internet Computer "
        f"allows), not to {brief(limit)}"
    )


def check_slices(slice_instructions: object, round_instructions: object) -> None:
    """Raise `InputError` unless these can be the instructions of a slice, and of a round, which are not less."""
    for what, limit, least in (
        ("slice", slice_instructions, LEAST_SLICE),
        ("round", round_instructions, slice_instructions),
    ):
        if not (type(limit) is int and isinstance(least, int) and least <= limit <= INSTALL_INSTRUCTIONS):
            raise InputError(
                f"a {what} can have {least:,} to {INSTALL_INSTRUCTIONS:,} instructions, not {brief(limit)}"
            )
