"""Sequence diagrams of recorded networks, for the report and for pages of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ic_harness.history import Message, sequence_of
from ic_harness.principal import Principal
from ic_harness.testing.results import CallSequence, SequenceArrow

MESSAGES: Final = 200
"""The most messages of a diagram, the newest."""


def call_sequence(
    title: str, messages: Sequence[Message], names: Mapping[Principal, str], most: int = MESSAGES
) -> CallSequence:
    """Return the calls of the last `most` messages; `names` are names of canisters and callers."""
    chart = sequence_of(messages, names, most)
    arrows = tuple(
        SequenceArrow(
            number=arrow.number,
            source=arrow.source,
            target=arrow.target,
            kind=arrow.kind,
            label=arrow.label,
            detail=arrow.detail,
        )
        for arrow in chart.arrows
    )
    return CallSequence(
        title=title, participants=tuple(chart.participants), arrows=arrows, left_out=chart.left_out
    )
