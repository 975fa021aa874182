"""Rejected calls in JSON: PocketIC names reject codes and error codes, it does not number them.

Names of error codes follow `ErrorCode` of DFINITY's replica; the number in `IC0…` is the table's key.
"""

from __future__ import annotations

from typing import Any, Final

from ic_harness.errors import RejectError

REJECT_CODES: Final = {
    1: "SysFatal",
    2: "SysTransient",
    3: "DestinationInvalid",
    4: "CanisterReject",
    5: "CanisterError",
    6: "SysUnknown",
}
ERROR_CODES: Final = {
    101: "SubnetOversubscribed",
    102: "MaxNumberOfCanistersReached",
    201: "CanisterQueueFull",
    202: "IngressMessageTimeout",
    203: "CanisterQueueNotEmpty",
    204: "IngressHistoryFull",
    205: "CanisterIdAlreadyExists",
    206: "StopCanisterRequestTimeout",
    207: "CanisterOutOfCycles",
    208: "CertifiedStateUnavailable",
    209: "CanisterInstallCodeRateLimited",
    210: "CanisterHeapDeltaRateLimited",
    211: "SubnetCoolingDown",
    301: "CanisterNotFound",
    305: "CanisterSnapshotNotFound",
    402: "InsufficientMemoryAllocation",
    403: "InsufficientCyclesForCreateCanister",
    404: "SubnetNotFound",
    405: "CanisterNotHostedBySubnet",
    406: "CanisterRejectedMessage",
    407: "UnknownManagementMessage",
    408: "InvalidManagementPayload",
    409: "CanisterSnapshotImmutable",
    410: "InvalidSubnetAdmin",
    502: "CanisterTrapped",
    503: "CanisterCalledTrap",
    504: "CanisterContractViolation",
    505: "CanisterInvalidWasm",
    506: "CanisterDidNotReply",
    507: "CanisterOutOfMemory",
    508: "CanisterStopped",
    509: "CanisterStopping",
    510: "CanisterNotStopped",
    511: "CanisterStoppingCancelled",
    512: "CanisterInvalidController",
    513: "CanisterFunctionNotFound",
    514: "CanisterNonEmpty",
    517: "QueryCallGraphLoopDetected",
    520: "InsufficientCyclesInCall",
    521: "CanisterWasmEngineError",
    522: "CanisterInstructionLimitExceeded",
    524: "CanisterMemoryAccessLimitExceeded",
    525: "QueryCallGraphTooDeep",
    526: "QueryCallGraphTotalInstructionLimitExceeded",
    527: "CompositeQueryCalledInReplicatedMode",
    528: "QueryTimeLimitExceeded",
    529: "QueryCallGraphInternal",
    530: "InsufficientCyclesInComputeAllocation",
    531: "InsufficientCyclesInMemoryAllocation",
    532: "InsufficientCyclesInMemoryGrow",
    533: "ReservedCyclesLimitExceededInMemoryAllocation",
    534: "ReservedCyclesLimitExceededInMemoryGrow",
    535: "InsufficientCyclesInMessageMemoryGrow",
    536: "CanisterMethodNotFound",
    537: "CanisterWasmModuleNotFound",
    538: "CanisterAlreadyInstalled",
    539: "CanisterWasmMemoryLimitExceeded",
    540: "ReservedCyclesLimitIsTooLow",
    541: "CanisterInvalidControllerOrSubnetAdmin",
    542: "CanisterStatusAccessDenied",
    601: "DeadlineExpired",
    602: "ResponseDropped",
}
"""Clients parse these names strictly, so a code that is not in the table is sent as the one in `_GENERAL`."""
_GENERAL: Final = {
    1: "SubnetOversubscribed",
    2: "CertifiedStateUnavailable",
    3: "CanisterNotFound",
    4: "CanisterRejectedMessage",
    5: "CanisterWasmEngineError",
    6: "DeadlineExpired",
}


def reject_json(rejected: RejectError, *, certified: bool) -> dict[str, Any]:
    """The JSON object of a reject. `certified` is whether the call went through a round."""
    code = rejected.reject_code if rejected.reject_code in REJECT_CODES else 1
    number = (rejected.error_code or "").removeprefix("IC")
    name = ERROR_CODES.get(int(number)) if number.isascii() and number.isdigit() else None
    return {
        "reject_code": REJECT_CODES[code],
        "reject_message": rejected.reject_message,
        "error_code": name or _GENERAL[code],
        "certified": certified,
    }
