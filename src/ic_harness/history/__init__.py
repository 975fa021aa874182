"""What happened on an embedded network: its history, message by message, and failures that can be shown again.

network.history                       the messages of a recorded network, with the state before and after each
read_failure(path)                    what a failing test left behind (pytest --ic-failures=DIR)
check(failure)                        replays it, and says whether the same happens
shrink(failure)                       finds the shortest list of calls that still fails
to_pytest(failure, path)              writes it as a test
"""

from typing import TYPE_CHECKING

from ic_harness.lazy_names import lazy_names

if TYPE_CHECKING:
    from .failure_check import FailureCheck, check
    from .failure_code import to_pytest
    from .failure_file import (
        FAILURE_SUFFIX,
        FailedTest,
        Failure,
        FailureRecording,
        failure_of,
        read_failure,
        write_failure,
    )
    from .messages import Message
    from .moments import CanisterState, Moment
    from .recorded_calls import RecordedCall, calls_of, described
    from .replayer import Replayer
    from .reproducing import Reproduction, reproduction
    from .sequence import Arrow, SequenceChart, sequence_of, sequence_text
    from .shrinking import Shrunk, shrink
    from .time_machine import History, Step

__all__ = [
    "FAILURE_SUFFIX",
    "Arrow",
    "CanisterState",
    "FailedTest",
    "Failure",
    "FailureCheck",
    "FailureRecording",
    "History",
    "Message",
    "Moment",
    "RecordedCall",
    "Replayer",
    "Reproduction",
    "SequenceChart",
    "Shrunk",
    "Step",
    "calls_of",
    "check",
    "described",
    "failure_of",
    "read_failure",
    "reproduction",
    "sequence_of",
    "sequence_text",
    "shrink",
    "to_pytest",
    "write_failure",
]

__getattr__ = lazy_names(
    __name__,
    {
        "FailureRecording": ".failure_file",
        "Step": ".time_machine",
        "History": ".time_machine",
        "sequence_text": ".sequence",
        "sequence_of": ".sequence",
        "SequenceChart": ".sequence",
        "Arrow": ".sequence",
        "Moment": ".moments",
        "CanisterState": ".moments",
        "Message": ".messages",
        "FAILURE_SUFFIX": ".failure_file",
        "FailedTest": ".failure_file",
        "Failure": ".failure_file",
        "FailureCheck": ".failure_check",
        "RecordedCall": ".recorded_calls",
        "Replayer": ".replayer",
        "Reproduction": ".reproducing",
        "Shrunk": ".shrinking",
        "calls_of": ".recorded_calls",
        "check": ".failure_check",
        "described": ".recorded_calls",
        "failure_of": ".failure_file",
        "read_failure": ".failure_file",
        "reproduction": ".reproducing",
        "shrink": ".shrinking",
        "to_pytest": ".failure_code",
        "write_failure": ".failure_file",
    },
)
