"""The message itself: its argument, caller, reject, deadline, and the answer to it.

Interface specification, "Message payload", "Replying", "Message context".
"""

from __future__ import annotations

from ic_harness.replica.execution.frame import Frame, value_functions
from ic_harness.replica.execution.interface import Mode, Reject, Reply
from ic_harness.replica.execution.traps import contract

arg_data_size, arg_data_copy = value_functions("msg_arg_data", lambda frame: frame.env.arg)
caller_size, caller_copy = value_functions("msg_caller", lambda frame: frame.env.caller)
caller_info_data_size, caller_info_data_copy = value_functions(
    "msg_caller_info_data", lambda frame: frame.env.caller_info
)
caller_info_signer_size, caller_info_signer_copy = value_functions(
    "msg_caller_info_signer", lambda frame: frame.env.caller_info_signer
)
reject_message_size, reject_message_copy = value_functions(
    "msg_reject_msg", lambda frame: frame.env.reject_message.encode()
)
method_name_size, method_name_copy = value_functions(
    "msg_method_name", lambda frame: frame.env.method_name.encode()
)

_NO_ANSWER_ADVICE = "Check the canister's logic to ensure it replies or rejects at most once."


def reject_code(frame: Frame) -> int:
    """0 in a reply callback, else the code of the reject."""
    return 0 if frame.env.mode in (Mode.REPLY, Mode.COMPOSITE_REPLY) else frame.env.reject_code


def deadline(frame: Frame) -> int:
    """The deadline of a best-effort call (nanoseconds since 1970), 0 for all other calls."""
    return frame.env.deadline_ns


def accept_message(frame: Frame) -> None:
    """Let the inspected message in; once only."""
    if frame.accepted_message:
        raise contract("ic0.accept_message: the function was already called")
    frame.accepted_message = True


def reply_data_append(frame: Frame, source: int, size: int) -> None:
    """Add bytes to the reply under construction."""
    # CHECKS
    _check_open(frame, "msg_reply_data_append")
    limit = frame.env.reply_limit
    if len(frame.reply) + size > limit:
        raise contract(
            f"ic0.msg_reply_data_append: application payload size ({len(frame.reply) + size}) cannot be "
            "larger "
            f"than {limit}",
            "Consider using streaming or pagination to send the response in multiple smaller messages.",
            "msg_reply_data_append-payload-too-large",
        )
    # EFFECT
    frame.reply += frame.read(source, size)


def reply(frame: Frame) -> None:
    """Answer with the bytes appended so far."""
    _check_open(frame, "msg_reply")
    frame.answer = Reply(bytes(frame.reply))


def reject(frame: Frame, source: int, size: int) -> None:
    """Answer with a reject of code 4 and this text."""
    # CHECKS
    _check_open(frame, "msg_reject")
    if size > frame.env.reply_limit:
        raise contract(
            f"ic0.msg_reject: application payload size ({size}) cannot be larger than "
            f"{frame.env.reply_limit}",
            "Try truncating the error messages that are too long.",
            "msg_reject-payload-too-large",
        )
    # ARGUMENTS
    raw = frame.read(source, size)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise contract(
            f"ic0.msg_reject: invalid UTF-8 string provided: {error.reason}",
            "Check that the reject message is valid UTF-8.",
            "invalid-utf-8-in-reject",
        ) from None
    # EFFECT
    frame.answer = Reject(text)


def _check_open(frame: Frame, function: str) -> None:
    if frame.answered or not frame.env.may_answer:
        raise contract(
            f"ic0.{function}: the call is already replied", _NO_ANSWER_ADVICE, "message-already-replied"
        )
