"""Arguments and answers of the management canister, as plain Python values. No I/O.

Interface specification, "The IC management canister"; the interface is `protocol/management.did`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias

from ic_harness.errors import InputError
from ic_harness.principal import Principal
from ic_harness.units import MIB

MANAGEMENT: Final = Principal.management()

DEFAULT_EFFECTIVE_ID: Final = Principal.from_text("rwlgt-iiaaa-aaaaa-aaaaa-cai")
"""Chooses the subnet for a new canister: the first id of a local network, as dfx and PocketIC use it."""

CHUNK: Final = MIB
"""Size of a piece of Wasm in the chunk store (interface specification, `upload_chunk`)."""

MAX_MESSAGE: Final = 2 * MIB
"""Size of an ingress message on application subnets."""

UPLOADED_METADATA: Final = (
    "wasm_module_size",
    "globals",
    "wasm_memory_size",
    "stable_memory_size",
    "certified_data",
    "global_timer",
    "on_low_wasm_memory_hook_status",
)
"""The metadata of a snapshot that its upload begins with; the network sets the others itself."""

_ENVELOPE: Final = 16 * 1024  # generous room for signature, delegations and Candid around the module

InstallMode: TypeAlias = Literal["install", "reinstall", "upgrade"]
"""What happens to code and memory that are there: nothing may be, all is dropped, stable memory stays."""


def encode_argument(method: str, argument: Mapping[str, Any]) -> bytes:
    """Encode the one record that a management method takes."""
    from ic_harness import candid  # lazy: start-up time  # noqa: PLC0415

    from .management_interface import interface  # lazy: start-up time  # noqa: PLC0415

    return candid.encode([dict(argument)], interface().methods[method].arg_types)


def decode_reply(method: str, reply: bytes) -> Any:
    """Decode what a management method returned; None for the methods that return nothing."""
    from ic_harness import candid  # lazy: start-up time  # noqa: PLC0415

    from .management_interface import interface  # lazy: start-up time  # noqa: PLC0415

    values = candid.decode(reply, interface().methods[method].return_types)
    return values[0] if values else None


def settings_record(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """Complete settings to the record of the interface; None leaves a setting as it is.

    Controllers may be anything `Principal.of` takes, environment variables may be a dict. Raises `InputError`
    for a setting that does not exist.
    """
    from .management_interface import setting_names  # lazy: start-up time  # noqa: PLC0415

    given = dict(settings or {})
    names = setting_names()
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise InputError(f"no canister setting {unknown[0]!r}; there are: {', '.join(names)}")
    record: dict[str, Any] = {name: given.get(name) for name in names}
    if record["controllers"] is not None:
        record["controllers"] = [Principal.of(controller) for controller in record["controllers"]]
    variables = record["environment_variables"]
    if isinstance(variables, Mapping):
        record["environment_variables"] = [
            {"name": name, "value": value} for name, value in variables.items()
        ]
    return record


def mode_variant(
    mode: InstallMode, *, skip_pre_upgrade: bool | None = None, wasm_memory: str | None = None
) -> dict[str, Any]:
    """The variant for an install mode; the options are for `upgrade` alone. Raises `InputError`."""
    options = {"skip_pre_upgrade": skip_pre_upgrade, "wasm_memory_persistence": None}
    if wasm_memory is not None:
        if wasm_memory not in {"keep", "replace"}:
            raise InputError(f"wasm_memory is `keep` or `replace`, not {wasm_memory!r}")
        options["wasm_memory_persistence"] = {wasm_memory: None}  # type: ignore[assignment]
    wanted = any(option is not None for option in options.values())
    if mode not in {"install", "reinstall", "upgrade"}:
        raise InputError(f"the install mode is install, reinstall or upgrade, not {mode!r}")
    if wanted and mode != "upgrade":
        raise InputError(f"skip_pre_upgrade and wasm_memory are options of upgrade, not of {mode}")
    return {mode: options if wanted else None}


def fits_one_message(wasm: bytes, arg: bytes) -> bool:
    """Whether module and argument go through in one call; otherwise the chunk store is used."""
    return len(wasm) + len(arg) + _ENVELOPE <= MAX_MESSAGE


def chunks(wasm: bytes) -> Iterator[memoryview]:
    """Cut a module into pieces for the chunk store."""
    view = memoryview(wasm)
    for start in range(0, len(wasm), CHUNK):
        yield view[start : start + CHUNK]
