"""Why a management call is refused: error code and text, by case.

Codes and texts are those of DFINITY's replica (its `CanisterManagerError` as `UserError`); the advice behind a text
ends with a place in the documentation page "Execution errors". The reject code follows from the error code.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ic_harness.replica.state.rejects import DOCS, Code, from_canister, name, reject
from ic_harness.replica.state.replicated_state import Rejected


def _advised(code: Code, text: str, advice: str, anchor: str) -> Rejected:
    return reject(code, f"{text}\n{advice} See documentation: {DOCS}#{anchor}")


def _quoted(text: str) -> str:
    """A text between quotes as Rust's Debug form writes it, for what callers named."""
    return '"' + "".join(_ESCAPES.get(letter, letter) for letter in text) + '"'


_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


# --- who may call what ---------------------------------------------------------------------------------------


def not_controller(canister: bytes, method: str) -> Rejected:
    """A user's call that needs a controller, refused by the ingress filter."""
    return reject(
        Code.NOT_CONTROLLER, f"Only controllers of canister {name(canister)} can call ic00 method {method}"
    )


def invalid_controller(canister: bytes, controllers: Iterable[bytes], caller: bytes) -> Rejected:
    """The same, when a canister calls: refused during execution."""
    listed = " ".join(name(controller) for controller in controllers)
    return _advised(
        Code.NOT_CONTROLLER,
        f"Only the controllers of the canister {name(canister)} can control it.\n"
        f"Canister's controllers: {listed}\nSender's ID: {name(caller)}",
        "Execute this call from a controller of the target canister or add the current caller as a controller.",
        "invalid-controller",
    )


def only_canisters(method: str) -> Rejected:
    """Users may not call this management method."""
    return reject(Code.REJECTED, f"Only canisters can call ic00 method {method}")


def rejected(problem: str) -> Rejected:
    """The management canister does not do what is asked."""
    return reject(Code.REJECTED, problem)


def fee_not_attached(method: str, attached: int, fee: int) -> Rejected:
    """A call comes with fewer cycles than it costs."""
    return rejected(f"{method} request sent with {attached} cycles, but {fee} cycles are required.")


def unknown_key(method: str, key: str, existing: Iterable[str], *, for_signing: bool) -> Rejected:
    """The network has no threshold key of this name; a call that only asks for a public key has another text.

    DFINITY's replica finds it out while it routes the call, hence reject code 3 and the form of the text.
    """
    asked, those = ("unknown or disabled", "enabled ") if for_signing else ("unknown", "")
    listed = ", ".join(existing)
    problem = f"Requested {asked} threshold key: {key}, existing {those}keys: [{listed}]"
    return reject(
        Code.CANISTER_NOT_FOUND,
        f"Unable to route management canister request {method}: ChainKeyError({_quoted(problem)})",
    )


def logs_by_update() -> Rejected:
    """Users read logs by queries only."""
    return reject(Code.REJECTED, "fetch_canister_logs API is not accessible via ingress in replicated mode")


def logs_hidden(caller: bytes) -> Rejected:
    """The canister's `log_visibility` does not include the caller."""
    return reject(Code.REJECTED, f"Caller {name(caller)} is not allowed to access canister logs")


# --- methods and arguments -----------------------------------------------------------------------------------


def unknown_method(method: str) -> Rejected:
    """The management canister has no such method."""
    return reject(Code.UNKNOWN_MANAGEMENT_METHOD, f"Management canister has no method '{method}'")


def unknown_query_method(method: str) -> Rejected:
    """The management canister has no such query method."""
    return reject(Code.METHOD_NOT_FOUND, f"Query method {method} not found.")


def invalid_argument(problem: str) -> Rejected:
    """The argument of a management call is not the Candid that was expected."""
    return reject(Code.INVALID_ARGUMENT, f"Error decoding candid: {problem}")


def too_many_elements(limit: int) -> Rejected:
    """A vector in the argument is longer than its bound."""
    return invalid_argument(f"Deserialize error: The number of elements exceeds maximum allowed {limit}")


def not_modelled(what: str, why: str) -> Rejected:
    """The replica does not model something and refuses it by name (see the README of `replica/`)."""
    return reject(Code.REJECTED, f"The embedded replica of ic-harness does not model {what}: {why}")


def wrong_sender_version(claimed: int, actual: int) -> Rejected:
    """`sender_canister_version` is not the calling canister's version. Seen by it with the error code in front."""
    return reject(
        Code.CONTRACT_VIOLATION,
        f"Management canister call payload includes sender canister version {claimed} that does not match the "
        f"actual sender canister version {actual}.",
    )


def canister_not_found(canister: bytes) -> Rejected:
    """No such canister, found out during execution (the ingress filter's text has no full stop)."""
    return reject(Code.CANISTER_NOT_FOUND, f"Canister {name(canister)} not found.")


# --- creating, installing, deleting --------------------------------------------------------------------------


def ids_used_up(subnet: bytes) -> Rejected:
    """Every id of the range for new canisters is in use."""
    return reject(Code.SUBNET_OVERSUBSCRIBED, f"No more canister ids are available on subnet {name(subnet)}.")


def id_not_hosted(canister: bytes, subnet: bytes) -> Rejected:
    """`specified_id` lies outside the subnet's ranges."""
    return reject(
        Code.NOT_HOSTED,
        f"Unsuccessful validation of specified ID: Specified CanisterId {name(canister)} is not hosted by subnet "
        f"{name(subnet)}.",
    )


def id_taken(canister: bytes) -> Rejected:
    """`specified_id` belongs to a canister."""
    return reject(Code.ALREADY_INSTALLED, f"Canister {name(canister)} is already installed.")


def invalid_wasm(canister: bytes, problem: str) -> Rejected:
    """A module breaks the rules for modules."""
    return reject(
        Code.INVALID_WASM,
        from_canister(
            canister,
            f"Canister's Wasm module is not valid: {problem}",
            "Try to recompile the canister with a supported toolchain.",
            "invalid-wasm-module",
        ),
    )


def not_empty(canister: bytes) -> Rejected:
    """Installing over code needs another mode."""
    return _advised(
        Code.NOT_EMPTY,
        f"Canister {name(canister)} cannot be installed because the canister is not empty. "
        "Try installing with mode='reinstall' instead.",
        "Check that you want to overwrite the canister and, if so, use mode='reinstall'.",
        "canister-not-empty",
    )


def missing_upgrade_option(problem: str) -> Rejected:
    """The upgrade needs an option that the call lacks."""
    return reject(Code.CONTRACT_VIOLATION, f"Missing upgrade option: {problem}")


def invalid_upgrade_option(problem: str) -> Rejected:
    """The upgrade has an option that the module does not allow."""
    return reject(Code.CONTRACT_VIOLATION, f"Invalid upgrade option: {problem}")


def delete_not_stopped(canister: bytes) -> Rejected:
    """Only a stopped canister can be deleted."""
    return _advised(
        Code.NOT_STOPPED,
        f"Canister {name(canister)} must be stopped before it is deleted.",
        "Stop the canister before deleting it.",
        "delete-canister-not-stopped",
    )


def delete_self(canister: bytes) -> Rejected:
    """A canister cannot delete itself."""
    return _advised(
        Code.NOT_CONTROLLER,
        f"Canister {name(canister)} cannot delete itself.",
        "Delete the canister from one of its other controllers.",
        "delete-canister-self",
    )


# --- settings ------------------------------------------------------------------------------------------------


def setting_out_of_range(title: str, allowed: str, given: int) -> Rejected:
    """A number in the settings is above its range; `title` and `allowed` as the replica writes them."""
    return reject(Code.CONTRACT_VIOLATION, f"{title} expected to be in the range {allowed}, got {given:_}")


def log_limit_out_of_range(given: int, least: int, greatest: int) -> Rejected:
    """`log_memory_limit` is neither 0 nor between its bounds."""
    if given < least:
        return reject(
            Code.REJECTED,
            f"The canister log memory limit {given} is too low. It must be at least {least}.",
        )
    return reject(
        Code.REJECTED, f"The canister log memory limit {given} is too high. It must be at most {greatest}."
    )


def too_many_variables(count: int, limit: int) -> Rejected:
    """More environment variables than a canister may have."""
    return reject(Code.INVALID_ARGUMENT, f"Too many environment variables: {count} (max: {limit})")


def repeated_variable() -> Rejected:
    """Two environment variables have the same name."""
    return reject(Code.INVALID_ARGUMENT, "Duplicate environment variables are not allowed")


def variable_too_long(what: str, text: str, limit: int) -> Rejected:
    """The name or value (`what`) of an environment variable is too long."""
    return reject(
        Code.INVALID_ARGUMENT,
        f'Environment variable {what} "{text}" exceeds the maximum allowed length of {limit}.',
    )


# --- cycles and capacity ---------------------------------------------------------------------------------------


_TOP_UP: Final = "Top up the canister with more cycles."
_ANOTHER_SUBNET: Final = "Try moving to another subnet."
_RAISE_RESERVED: Final = (
    "Try increasing this canister's reserved cycles limit or moving it to a subnet with lower memory usage."
)


def _bytes(count: int) -> str:
    """A number of bytes in the unit that the replica would choose."""
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
    power = min(max(0, count.bit_length() - 1) // 10, len(units) - 1)
    return f"{count / 1024**power:.2f} {units[power]}"


def creation_unpaid(fee: int, sent: int) -> Rejected:
    """A call that creates a canister brings fewer cycles than that costs."""
    return _advised(
        Code.CREATE_CYCLES,
        f"Creating a canister requires a fee of {fee} that is deducted from the canister's initial balance but only "
        f"{sent} cycles were received with the create_canister request.",
        "Try sending more cycles with the request.",
        "create-canister-not-enough-cycles",
    )


def installation_unpaid(problem: str) -> Rejected:
    """The canister cannot pay for an installation."""
    text = f"Canister installation failed with `{problem}`."
    return _advised(Code.OUT_OF_CYCLES, text, _TOP_UP, "install-code-not-enough-cycles")


def snapshot_unpaid(problem: str) -> Rejected:
    """The canister cannot pay for a snapshot."""
    return reject(
        Code.OUT_OF_CYCLES,
        f"Canister snapshotting failed with: `{problem}`\nTry sending more cycles with the request. "
        "See documentation: canister-snapshot-not-enough-cycles",
    )


def compute_oversubscribed(wanted: int, left: int) -> Rejected:
    """The subnet has less compute than a canister wants (percent)."""
    return _advised(
        Code.SUBNET_OVERSUBSCRIBED,
        f"Canister requested a compute allocation of {wanted}% which cannot be satisfied because the Subnet's "
        f"remaining compute capacity is {left}%.",
        _ANOTHER_SUBNET,
        "subnet-compute-capacity-oversubscribed",
    )


def memory_oversubscribed(wanted: int, left: int) -> Rejected:
    """The subnet has less memory than a canister wants (bytes)."""
    return _advised(
        Code.SUBNET_OVERSUBSCRIBED,
        f"Canister requested {_bytes(wanted)} of memory but only {_bytes(left)} are available in the subnet.",
        _ANOTHER_SUBNET,
        "subnet-memory-capacity-oversubscribed",
    )


def compute_unpaid(wanted: int, missing: int) -> Rejected:
    """A compute allocation (percent) would freeze the canister."""
    return _advised(
        Code.COMPUTE_CYCLES,
        f"Cannot increase compute allocation to {wanted}% due to insufficient cycles. "
        f"At least {missing} additional cycles are required.",
        _TOP_UP,
        "insufficient-cycles-in-compute-allocation",
    )


def memory_unpaid(wanted: int, missing: int) -> Rejected:
    """A memory allocation (bytes) would freeze the canister."""
    return _advised(
        Code.MEMORY_ALLOCATION_CYCLES,
        f"Cannot increase memory allocation to {_bytes(wanted)} due to insufficient cycles. "
        f"At least {missing} additional cycles are required.",
        _TOP_UP,
        "insufficient-cycles-in-memory-allocation",
    )


def growth_unpaid(more: int, missing: int) -> Rejected:
    """More memory (bytes) would freeze the canister."""
    return _advised(
        Code.GROWTH_CYCLES,
        f"Canister cannot grow memory by {more} bytes due to insufficient cycles. "
        f"At least {missing} additional cycles are required.",
        _TOP_UP,
        "insufficient-cycles-in-memory-grow-1",
    )


def allocation_over_reserved_limit(wanted: int, limit: int, over: int) -> Rejected:
    """A memory allocation (bytes) asks for more reserved cycles than the canister's limit."""
    return _advised(
        Code.MEMORY_ALLOCATION_RESERVED,
        f"Cannot increase memory allocation to {_bytes(wanted)} due to its reserved cycles limit. "
        f"The current limit ({limit}) would be exceeded by {over}.",
        _RAISE_RESERVED,
        "reserved-cycles-limit-exceeded-in-memory-allocation",
    )


def growth_over_reserved_limit(more: int, limit: int, over: int) -> Rejected:
    """More memory (bytes) asks for more reserved cycles than the canister's limit."""
    return _advised(
        Code.GROWTH_RESERVED,
        f"Canister cannot grow memory by {more} bytes due to its reserved cycles limit. "
        f"The current limit ({limit}) would be exceeded by {over}.",
        _RAISE_RESERVED,
        "reserved-cycles-limit-exceeded-in-memory-grow",
    )


def reserved_limit_too_low(limit: int, reserved: int) -> Rejected:
    """A canister has more cycles reserved than the new limit."""
    return reject(
        Code.RESERVED_LIMIT,
        f"Cannot set the reserved cycles limit {limit} below the reserved cycles balance of the canister {reserved}.\n"
        "Set the reserved cycles limit in the canister settings to a value that is at least the current reserved "
        "cycles balance. See documentation: reserved-cycles-limit-is-too-low",
    )


# --- chunks, snapshots, metadata -----------------------------------------------------------------------------


def chunk_store(problem: str) -> Rejected:
    """The chunk store cannot take or give something."""
    return _advised(
        Code.CONTRACT_VIOLATION,
        f"Error from Wasm chunk store: {problem}.",
        "Use the `stored_chunks` API to check which hashes are present or top up the canister if it is low on cycles.",
        "wasm-chunk-store-error",
    )


def snapshot_of_nothing(canister: bytes) -> Rejected:
    """An empty canister has no state to keep."""
    return reject(Code.REJECTED, f"Failed to create snapshot for empty canister {name(canister)}:")


def snapshot_limit(canister: bytes, limit: int) -> Rejected:
    """The canister has as many snapshots as it may have."""
    return reject(
        Code.REJECTED,
        f"Canister {name(canister)} has reached the maximum number of snapshots allowed: {limit}.\n"
        "Consider deleting an unnecessary snapshot of the specified canister before creating a new one. "
        "See documentation: canister-snapshot-limit-exceeded",
    )


def snapshot_not_found(canister: bytes, snapshot: bytes) -> Rejected:
    """The canister has no snapshot with this id."""
    return _advised(
        Code.SNAPSHOT_NOT_FOUND,
        f"Could not find the snapshot ID {snapshot.hex()} for canister {name(canister)}.",
        "Use the `list_canister_snapshot` API to see which snapshots are present.",
        "canister-snapshot-not-found",
    )


def no_metadata(canister: bytes, section: str) -> Rejected:
    """The module has no such custom section that the caller may see."""
    return reject(
        Code.REJECTED, f"The canister {name(canister)} has no metadata section with the name {section}."
    )


def no_module_for_metadata(canister: bytes) -> Rejected:
    """An empty canister has no metadata."""
    return reject(
        Code.REJECTED,
        f"The canister {name(canister)} has no Wasm module and hence no metadata is available.",
    )
