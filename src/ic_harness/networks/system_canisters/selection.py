"""Which of the Internet Computer's own canisters are wanted, and where their modules are.

    [icp]
    ledger = "wasms/ledger-canister.wasm.gz"
    cycles-ledger = "stand-in"

    [icp.internet-identity]
    wasm = "wasms/internet_identity.wasm.gz"
    init-arg = "(null)"

Paths are relative to the folder of `ic-harness.toml`. `stand-ins = true` takes the stand-ins of this package for the
canisters that have one and are not named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks.canister_lifecycle import find_build
from ic_harness.networks.interfaces import encode_arguments
from ic_harness.project_file import PROJECT_FILE, read_project_file
from ic_harness.suggestions import suggest
from ic_harness.text import brief, one_line

from .catalogue import CATALOGUE, FEATURES, OPTIONAL, STAND_INS, SystemCanister

STAND_IN: Final = "stand-in"
ALL_STAND_INS: Final = "stand-ins"
PROJECT: Final = "project"
TABLE: Final = "icp"
_SUFFIXES: Final = (".wasm.gz", ".wasm")
_FOLDER: Final = Path(__file__).parent / "stand_ins"

IcpChoice = str | Path | Mapping[str, Any]
"""`stand-ins`, `project`, the folder of a project, or a mapping of names to a path, `stand-in`, or a mapping with
`wasm` and `init-arg`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """One canister that is installed: its module, and its encoded argument (None: the one of the catalogue)."""

    canister: SystemCanister
    wasm: bytes
    arg: bytes | None = None
    is_stand_in: bool = False


def select_icp(choice: IcpChoice, folder: Path | None = None) -> tuple[Selected, ...]:
    """Return the canisters that are wanted, in the order of installation.

    `project` is the table `[icp]` of the `ic-harness.toml` in `folder` (the current one), to which paths are relative.
    Raises `InputError` that names what is wrong: an unknown name, a file that is missing, an argument that is none.
    """
    where = choice if isinstance(choice, Path) else folder or Path()
    if isinstance(choice, Mapping):
        return _selected(choice, where, "icp")
    if choice == ALL_STAND_INS:
        return _selected(dict.fromkeys(STAND_INS, STAND_IN), where, "icp")
    if choice != PROJECT and not isinstance(choice, Path):
        raise InputError(f"icp: no choice {brief(choice)}; {suggest(choice, [ALL_STAND_INS, PROJECT])}")
    table = read_icp_table(where)
    if table is None:
        raise InputError(
            f"icp: there is no table [{TABLE}] in {where / PROJECT_FILE}: name the canisters there, or use "
            f"{ALL_STAND_INS}"
        )
    return _selected(table, where, f"{PROJECT_FILE}: [{TABLE}]")


def select_features(features: Iterable[str], folder: Path | None = None) -> tuple[Selected, ...]:
    """Return the canisters of PocketIC's `icp_features` of these names, such as `icp_token` and `cycles_minting`.

    A module is the one that the table `[icp]` of the `ic-harness.toml` in `folder` names, else the file in `folder`
    with the canister's name, such as `internet-identity.wasm.gz`, else the stand-in. Without `folder` the table of the
    current folder counts, and no file by its name alone. Canisters in `OPTIONAL` are left out where there is no module.

    Raises `InputError` for an unknown feature, and for features that need files, all of which it names.
    """
    if folder is not None and not folder.is_dir():
        raise InputError(f"icp_features: {one_line(str(folder))} is no folder with modules")
    where = folder or Path()
    named = {key.replace("_", "-"): value for key, value in (read_icp_table(where) or {}).items()}
    wanted: dict[str, Any] = {}
    missing: list[str] = []
    for feature in features:
        if feature not in FEATURES:
            raise InputError(f"icp_features: no feature {brief(feature)}; {suggest(feature, FEATURES)}")
        for name in FEATURES[feature]:
            module = named.get(name, _file_by_name(folder, name))
            if module is None and name in STAND_INS:
                module = STAND_IN
            if module is not None:
                wanted[name] = module
            elif name not in OPTIONAL:
                canister = CATALOGUE[name]
                missing.append(f"{feature} needs {name}.wasm.gz, {canister.title} ({canister.id})")
    if missing:
        raise InputError(
            f"icp_features: {'; '.join(missing)}: download what is missing, and "
            + ("" if folder is None else f"save it with this name in {one_line(str(folder))}, or ")
            + f"name it in [{TABLE}] of {where / PROJECT_FILE}"
        )
    return _selected(wanted, where, "icp_features")


def _file_by_name(folder: Path | None, name: str) -> str | None:
    """Return the name of the file in `folder` that is the module of a canister; None without one."""
    if folder is None:
        return None
    stems = (name, name.replace("-", "_"))
    names = (f"{stem}{suffix}" for stem in stems for suffix in _SUFFIXES)
    return next((file for file in names if (folder / file).is_file()), None)


def read_icp_table(folder: Path) -> Mapping[str, Any] | None:
    """Return the table `[icp]` of the project file in `folder`; None without one. Raises `InputError`."""
    table = (read_project_file(folder) or {}).get(TABLE)
    if table is None:
        return None
    if not isinstance(table, dict):
        raise InputError(f"{PROJECT_FILE}: {TABLE} must be a table, [{TABLE}], with names such as ledger")
    return table


def _selected(wanted: Mapping[str, Any], folder: Path, where: str) -> tuple[Selected, ...]:
    given = {key.replace("_", "-"): value for key, value in wanted.items()}
    if given.pop(ALL_STAND_INS, False) is True:
        given = dict.fromkeys(STAND_INS, STAND_IN) | given
    for name in given:
        if name not in CATALOGUE:
            raise InputError(f"{where} has no canister {one_line(name)!r}; {suggest(name, CATALOGUE)}")
    return tuple(_one(CATALOGUE[name], given[name], folder, where) for name in CATALOGUE if name in given)


def _one(canister: SystemCanister, value: Any, folder: Path, where: str) -> Selected:
    place = f"{where} {canister.name}"
    if not isinstance(value, Mapping):
        return _module(canister, value, folder, place)
    given = {key.replace("-", "_"): content for key, content in value.items()}
    if not {"wasm"} <= given.keys() <= {"wasm", "init_arg"}:
        raise InputError(f"{place}: the keys are wasm and init-arg, not {brief(list(value))}")
    found = _module(canister, given["wasm"], folder, place)
    text = given.get("init_arg")
    if text is None:
        return found
    if not isinstance(text, str):
        raise InputError(f"{place}: init-arg is Candid text, such as '(null)', not {brief(text)}")
    source = found.wasm if found.is_stand_in else folder / given["wasm"]
    types = find_build(source).init_types
    return replace(found, arg=encode_arguments(text, types, f"{place}: the values of init-arg"))


def _module(canister: SystemCanister, value: Any, folder: Path, place: str) -> Selected:
    if value == STAND_IN:
        if canister.stand_in is None:
            raise InputError(f"{place}: there is no stand-in for {canister.title}: {_advice(canister)}")
        return Selected(canister=canister, wasm=stand_in(canister), is_stand_in=True)
    if not isinstance(value, str | Path):
        raise InputError(f"{place} must be the path of a module or {STAND_IN!r}, not {brief(value)}")
    path = folder / value
    try:
        return Selected(canister=canister, wasm=path.read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{place}: cannot read {one_line(str(path))} ({reason}): {_advice(canister)}"
        ) from error


def _advice(canister: SystemCanister) -> str:
    text = (
        f"download the module of {canister.title} ({canister.id}) and name it as {canister.name} in [{TABLE}] of "
        f"{PROJECT_FILE}"
    )
    return text if canister.stand_in is None else f"{text}, or write {canister.name} = {STAND_IN!r}"


def stand_in(canister: SystemCanister) -> bytes:
    """Return the module of this package that takes the place of a canister. Raises `InputError` without one."""
    path = _FOLDER / f"{canister.stand_in}.wasm.gz"
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}: install ic-harness again") from error
