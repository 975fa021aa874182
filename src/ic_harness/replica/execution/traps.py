"""The ways in which a message can fail, with the texts that developers meet on the network.

Interface specification, "Error codes" and the documentation page "Execution errors" (the anchors).
"""

from __future__ import annotations

from .interface import Mode, StableWriteLimits

_RETHINK = (
    "Consider gracefully handling failures from this canister or altering the canister to handle exceptions."
)
_OPTIMIZE = (
    "Try optimizing this method to consume fewer instructions or split the work across multiple messages."
)
_LEAK = (
    "Try checking the canister for a possible memory leak or modifying it to use more stable memory "
    "instead of Wasm "
    "memory."
)
_LESS_STABLE = (
    "Try optimizing the use of stable memory so that individual messages don't need to access as much "
    "stable memory."
)
_WRONG_MODE = "Check the ICP documentation to make sure APIs are being called in the correct message types."

MODE_NAMES = {
    Mode.START: "start",
    Mode.INIT: "init",
    Mode.PRE_UPGRADE: "pre upgrade",
    Mode.POST_UPGRADE: "init",
    Mode.UPDATE: "update",
    Mode.REPLICATED_QUERY: "replicated query",
    Mode.QUERY: "non replicated query",
    Mode.COMPOSITE_QUERY: "composite query",
    Mode.HTTP_TRANSFORM: "non replicated query",
    Mode.REPLY: "reply callback",
    Mode.REJECT: "reject callback",
    Mode.COMPOSITE_REPLY: "composite reply callback",
    Mode.COMPOSITE_REJECT: "composite reject callback",
    Mode.CLEANUP: "cleanup",
    Mode.COMPOSITE_CLEANUP: "composite cleanup",
    Mode.INSPECT: "inspect message",
    Mode.SYSTEM_TASK: "system task",
}
"""What a mode is called in a contract violation."""


class CanisterTrap(Exception):  # noqa: N818  the specification's word
    """The running message fails.

    `error_code` 502 is printed IC0502; `anchor` is a place in the documentation.
    """

    def __init__(self, error_code: int, message: str, advice: str = "", anchor: str = "") -> None:
        self.error_code = error_code
        self.message = message
        self.advice = advice
        self.anchor = anchor
        super().__init__(message)


def trapped(reason: str) -> CanisterTrap:
    """The code did what Wasm forbids; `reason` such as `unreachable`."""
    return CanisterTrap(502, f"Canister trapped: {reason}", _RETHINK, "trapped")


def heap_out_of_bounds() -> CanisterTrap:
    """A pointer leads outside the canister's memory."""
    return trapped("heap out of bounds")


def called_trap(message: str) -> CanisterTrap:
    """The canister called `ic0.trap`."""
    text = f"Canister called `ic0.trap` with message: '{message}'"
    return CanisterTrap(503, text, _RETHINK, "trapped-explicitly")


def contract(error: str, advice: str = "", anchor: str = "") -> CanisterTrap:
    """The canister used the system API wrongly."""
    return CanisterTrap(504, f"Canister violated contract: {error}", advice, anchor)


def wrong_mode(function: str, mode: Mode, task: str = "") -> CanisterTrap:
    """A function that this kind of message may not call; `task` names a system task."""
    name = task or MODE_NAMES[mode]
    return contract(
        f'"{function}" cannot be executed in {name} mode',
        _WRONG_MODE,
        "calling-a-system-api-from-the-wrong-mode",
    )


def instruction_limit(limit: int) -> CanisterTrap:
    """The message ran too long."""
    text = f"Canister exceeded the limit of {limit} instructions for single message execution."
    return CanisterTrap(522, text, _OPTIMIZE, "instruction-limit-exceeded")


def stable_write_limit(limits: StableWriteLimits) -> CanisterTrap:
    """The message changed too much of the stable memory."""
    text = (
        "Canister exceeded memory access limits: Exceeded the limit for the number of modified pages in the "
        f"stable memory in a single execution: limit {limits.message >> 10} KB for regular messages, "
        f"{limits.upgrade >> 10} KB for upgrade messages and {limits.query >> 10} KB for queries"
    )
    return CanisterTrap(524, text, _LESS_STABLE, "memory-access-limit-exceeded")


def wasm_memory_limit(limit: int, size: int) -> CanisterTrap:
    """The heap grew beyond the limit in the canister's settings (bytes)."""
    text = (
        f"Canister exceeded its current Wasm memory limit of {limit} bytes. The peak Wasm memory usage "
        f"was {size} "
        "bytes. If the canister reaches 4GiB, then it may stop functioning and may become unrecoverable. "
        "Please reach "
        "out to the canister owner to investigate the reason for the increased memory usage. It might be "
        "necessary to "
        "move data from the Wasm memory to the stable memory. If such high Wasm memory usage is expected "
        "and safe, "
        "then the developer can increase the Wasm memory limit in the canister settings."
    )
    return CanisterTrap(539, text, _LEAK, "wasm-memory-limit-exceeded")


def invalid_principal() -> CanisterTrap:
    """Bytes that should name a canister do not."""
    return CanisterTrap(504, "Canister provided invalid principal id")


def function_not_found(index: int) -> CanisterTrap:
    """A callback names no function of the table with the right type."""
    text = f"Canister requested to invoke a non-existent Wasm function {index} from table 0"
    return CanisterTrap(513, text)


def engine_error(text: str) -> CanisterTrap:
    """The engine gave up for a reason that is not the message's."""
    return CanisterTrap(521, f"Canister encountered a Wasm engine error: {text}")
