"""Every error that this package raises on purpose, in one tree.

    HarnessError
    ├── InputError                 an argument is not valid; the command line exits with 2
    │   ├── PrincipalError         no principal
    │   ├── IdentityError          no key, wrong passphrase, unknown identity
    │   ├── ImageError             no image, or one that must not be decoded
    │   ├── LocatorError           no locator of the form blob_<u64>
    │   └── UnknownBackendError    a canister is no capsule backend, or one that is not spoken any more
    ├── CandidError                a Candid message, text or value does not fit; says offset and path
    ├── ProtocolError              a message breaks the interface specification
    │   ├── CborError              not the CBOR that was expected
    │   ├── EnvelopeError          signature, sender, delegation or expiry of a request is not valid
    │   └── CertificateError       a certificate or signed reply proves nothing
    ├── CallError                  a call returned no reply
    │   ├── TransportError         nothing, or nothing whole, came back
    │   ├── HttpStatusError        the network answered with an HTTP error
    │   ├── RejectError            the network or the canister rejected the call
    │   ├── ClockError             the clocks here and there differ too much
    │   ├── CallTimeoutError       accepted, but no verdict before the request expired
    │   ├── BackendError           the canister replied with its `Error` variant
    │   └── NotInGenerationError   the backend is of a generation that cannot do this; nothing was sent
    ├── NetworkError               a network cannot be started, reached or used in this way
    ├── OutcallError               a recording of HTTPS outcalls cannot be read or written
    ├── UploadError                an upload failed and was cleaned up
    └── ReplicaError               the embedded replica refuses or cannot go on
        └── StateError             a state folder is damaged, locked or of another version

Leaves say whose fault it is and what to do. A bug of ours is none of these: it stays a Python exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

from ic_harness.text import clean, one_line

_MAX_LINE: Final = 500
"""Characters of a source line that are shown."""
_TRAP: Final = "[TRAP]: "
_SHOWN_LOG: Final = 30
"""The newest lines of a canister's log that the display of an error has."""


class HarnessError(Exception):
    """Base of every error that this package raises on purpose.

    `str(error)` is for people and safe to show: texts of canisters and networks in it are cleaned (`ic_harness.text`).
    Fields such as `RejectError.reject_message` hold them as they came.
    """

    def __str__(self) -> str:
        return clean(super().__str__())

    def _chapters(self) -> Sequence[tuple[str, Sequence[str]]]:
        """What notebooks show after the message: titles, each with lines."""
        return ()

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows of an error: the message, the lines of its user, and further chapters."""
        from ic_harness.tracebacks import story  # lazy: notebooks only  # noqa: PLC0415

        return story(self, self._chapters())


class InputError(HarnessError):
    """An argument is not valid; nothing was sent or changed."""


class PrincipalError(InputError, ValueError):
    """A value is no principal."""


class IdentityError(InputError):
    """A key or identity cannot be read or used."""


class ImageError(InputError):
    """A file is no image that can be turned into four assets."""


class LocatorError(InputError, ValueError):
    """A text is no locator of the form `blob_<u64>`."""


class UnknownBackendError(InputError):
    """A canister is no capsule backend, or one of a generation that is not spoken any more."""


class CandidError(HarnessError, ValueError):
    """A Candid message, text or Python value does not fit its type.

    `offset` is the byte (or character) where it was noticed, `path` the place in the value such as
    `args[1].assets[0].bytes`, `expected` what should have stood there; each may be None.
    """

    def __init__(
        self, message: str, *, offset: int | None = None, path: str | None = None, expected: str | None = None
    ) -> None:
        self.message = message
        self.offset = offset
        self.path = path
        self.expected = expected
        super().__init__(message, offset, path, expected)

    def __str__(self) -> str:
        where = [
            f"at {self.path}" if self.path else "",
            f"byte {self.offset}" if self.offset is not None else "",
        ]
        place = ", ".join(part for part in where if part)
        wanted = f"; expected {self.expected}" if self.expected else ""
        return clean(f"{self.message}{wanted}{f' ({place})' if place else ''}")


class ProtocolError(HarnessError):
    """A message breaks the interface specification."""


class CborError(ProtocolError):
    """Bytes are not the CBOR that was expected."""


class EnvelopeError(ProtocolError):
    """The signature, sender, delegation or expiry of a request is not valid."""


class CertificateError(ProtocolError):
    """A certificate or a signed reply does not prove what it should."""


class CallError(HarnessError):
    """A call returned no reply; `method` and `canister` (textual principal) identify it."""

    def __init__(self, message: str, *, method: str | None = None, canister: str | None = None) -> None:
        self.message = message
        self.method = method
        self.canister = canister
        super().__init__(message)

    def __str__(self) -> str:
        if self.method is None:
            return clean(self.message)
        return clean(f"{self.method} on {self.canister or 'an unknown canister'}: {self.message}")


class TransportError(CallError):
    """The network did not answer, or its answer broke off."""


class HttpStatusError(CallError):
    """The network answered with an HTTP error. `status` is the code, `body` the start of the text.

    `retry_after_s` is what the header `Retry-After` asked for, in seconds; None without one.
    """

    retry_after_s: float | None = None

    def __init__(
        self, status: int, body: str, *, method: str | None = None, canister: str | None = None
    ) -> None:
        self.status = status
        self.body = body
        super().__init__(f"HTTP {status}: {body}", method=method, canister=canister)


class Trap(Protocol):
    """Where a message trapped."""

    def lines(self) -> tuple[str, ...]:
        """Return the source lines, innermost first, as the canister's module has them."""
        ...


class RejectError(CallError):
    """The call was rejected.

    `reject_code` is 1 to 6 (interface specification, "Reject codes"), `error_code` is `IC0…` or None,
    `certified` is whether a certificate proves the reject. `log` is what the canister printed lately, where the
    network has it at hand (the embedded one, for calls of a `Canister`). `trap` is where it trapped, by the same
    networks, for modules with line tables.
    """

    log: tuple[str, ...] = ()
    trap: Trap | None = None

    def __init__(
        self,
        reject_code: int,
        reject_message: str,
        error_code: str | None = None,
        *,
        method: str | None = None,
        canister: str | None = None,
        certified: bool = False,
    ) -> None:
        self.reject_code = reject_code
        self.reject_message = reject_message
        self.error_code = error_code
        self.certified = certified
        code = f", {error_code}" if error_code else ""
        super().__init__(
            f"rejected (code {reject_code}{code}): {reject_message}", method=method, canister=canister
        )

    def _chapters(self) -> Sequence[tuple[str, Sequence[str]]]:
        return (
            ("Source lines of the trap", self.source_lines),
            ("Log of the canister", self._further_log()[-_SHOWN_LOG:]),
        )

    def _further_log(self) -> tuple[str, ...]:
        """The log without its last record where that is the trap which the message shows already."""
        first = self.log[-1].partition("\n")[0] if self.log else ""
        repeated = first.startswith(_TRAP) and first.removeprefix(_TRAP) in self.reject_message
        return self.log[:-1] if repeated else self.log

    @property
    def source_lines(self) -> tuple[str, ...]:
        """The source lines of the trap, innermost first, such as `src/lib.rs:42 in counter::add`; empty without.

        They are read from the module's DWARF when they are asked for.
        """
        lines = self.trap.lines() if self.trap is not None else ()
        return tuple(one_line(line, _MAX_LINE) for line in lines)


class CallTimeoutError(CallError):
    """The request was accepted, but no verdict came before it expired."""


class ClockError(CallError):
    """The network refused a request because the clock of this machine is wrong; nothing ran."""


class BackendError(CallError):
    """The backend replied with its `Error` variant: `tag` such as `NotFound`, `detail` its text or None."""

    def __init__(
        self, tag: str, detail: str | None = None, *, method: str | None = None, canister: str | None = None
    ) -> None:
        self.tag = tag
        self.detail = detail
        super().__init__(f"{tag}: {detail}" if detail else tag, method=method, canister=canister)


class NotInGenerationError(CallError):
    """A backend of `generation` cannot do `what`; those of `able` can. Nothing was sent.

    Generations are letters, see `ic_capsule.backend.Generation`; `able` is empty when only the reference backend can.
    """

    def __init__(
        self,
        what: str,
        generation: str,
        able: tuple[str, ...] = (),
        *,
        method: str,
        canister: str | None = None,
    ) -> None:
        self.what = what
        self.generation = generation
        self.able = able
        plural = "s" if len(able) > 1 else ""
        who = f"generation{plural} {' and '.join(able)} can" if able else "only the reference backend can"
        super().__init__(f"generation {generation} has no {what}; {who}", method=method, canister=canister)


class NetworkError(HarnessError):
    """A network cannot be started, reached, or used in this way."""


class OutcallError(HarnessError):
    """A recording of HTTPS outcalls cannot be read or written."""


class UploadError(HarnessError):
    """An upload failed; `leftovers` names what could not be cleaned up (empty when nothing was left)."""

    def __init__(self, message: str, *, leftovers: tuple[str, ...] = (), detail: Any = None) -> None:
        self.message = message
        self.leftovers = leftovers
        self.detail = detail
        left = f" Left behind: {', '.join(leftovers)}." if leftovers else ""
        super().__init__(f"{message}{left}")


class ReplicaError(HarnessError):
    """The embedded replica refuses a request of its host, or cannot go on."""


class StateError(ReplicaError):
    """A state folder is damaged, locked by another process, or of another version."""
