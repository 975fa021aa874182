"""Streams between subnets: how calls and their answers reach canisters of another subnet.

The shape is that of message routing in DFINITY's replica. Each subnet keeps, for every other subnet, a stream of
numbered messages, and the number of the next message that it takes from the other's stream. A message stays in its
stream until the other subnet has taken it, as seen after the round. So a message is taken exactly once, also when a
process is killed after some subnets have journalled a round and others have not.

    A: stream to B   begin=5 [m5 m6 m7]     B: takes 6 next from A     m5 was taken in the last round: A drops it now.
                                                                      m6 and m7 are inducted now, and dropped next time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ic_harness.replica.rounds.round_state import RoundState
from ic_harness.replica.state.replicated_state import Message, Request, Stream

_NONE = Stream()


def waiting(subnets: Mapping[bytes, RoundState]) -> bool:
    """Whether a stream has a message that its subnet has not taken."""
    return any(
        _untaken(stream, subnets[receiver_id], sender_id)
        for sender_id, sender in subnets.items()
        for receiver_id, stream in sender.state.streams.items()
    )


def transfer(subnets: Mapping[bytes, RoundState]) -> None:
    """Induct what the streams hold, as they were at the end of the last round; called between two rounds."""
    batches: list[tuple[bytes, bytes, tuple[Message, ...]]] = []
    for sender_id, sender in subnets.items():
        for receiver_id, stream in list(sender.state.streams.items()):
            batches.append((sender_id, receiver_id, _untaken(stream, subnets[receiver_id], sender_id)))
            taken = subnets[receiver_id].state.streams.get(sender_id, _NONE).taken
            if taken > stream.begin:
                rest = stream.messages[taken - stream.begin :]
                sender.put_stream(receiver_id, replace(stream, begin=taken, messages=rest))
    for sender_id, receiver_id, messages in batches:
        if messages:
            _induct(subnets[receiver_id], sender_id, messages)


def _untaken(stream: Stream, receiver: RoundState, sender_id: bytes) -> tuple[Message, ...]:
    taken = receiver.state.streams.get(sender_id, _NONE).taken
    return stream.messages[max(0, taken - stream.begin) :]


def _induct(receiver: RoundState, sender_id: bytes, messages: tuple[Message, ...]) -> None:
    stream = receiver.state.streams.get(sender_id, _NONE)
    receiver.put_stream(sender_id, replace(stream, taken=stream.taken + len(messages)))
    for message in messages:
        if isinstance(message, Request):
            receiver.enqueue(message)
        else:
            receiver.respond(message)
