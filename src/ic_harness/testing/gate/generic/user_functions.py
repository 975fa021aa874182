"""Reads the user's functions from Python files: fill, verify, workload, and tests of guarantees.

    import pytest

    def fill(canister):                  # or any name, with @pytest.mark.gate_fill
        for _ in range(7):
            canister.increment()

    def verify(canister):                # or @pytest.mark.gate_verify
        assert canister.get() == 7

    @pytest.mark.guarantee("W1")
    def test_one_more(canister):
        before = canister.get()
        assert canister.increment() == before + 1

Arguments are passed by name, as pytest passes fixtures: see `ARGUMENTS`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from ic_harness.errors import HarnessError, InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.suggestions import suggest
from ic_harness.testing.assertions import BrokenGuaranteeError, UnmetNeedError, broken
from ic_harness.testing.check import Check
from ic_harness.testing.guarantees import Guarantee
from ic_harness.testing.target import Target
from ic_harness.text import one_line

ROLES: Final = ("fill", "fill_more", "verify", "workload")
"""What a function can be: by its name, or by the marker `gate_` and the role."""
ARGUMENTS: Final[Mapping[str, Callable[[Target, Any], Any]]] = {
    "canister": lambda target, _state: target.canister("alice"),
    "identity": lambda target, _state: target.identity,
    "network": lambda target, _state: target.network,
    "target": lambda target, _state: target,
    "state": lambda _target, state: state,
}
"""The arguments that a function may ask for: a client of the canister, identities by name, the network, the `Target`,
and what `fill` returned."""
_WIDTH: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFunction:
    """One function of a file; `place` is its name in the report: `tests/gate_counter.py::fill`."""

    function: Callable[..., Any]
    file: Path
    arguments: tuple[str, ...]

    @property
    def place(self) -> str:
        """The file and the function."""
        return f"{one_line(str(self.file))}::{self.function.__name__}"

    def call(self, target: Target, state: Any = None) -> Any:
        """Call it with the arguments it asks for.

        Raises `BrokenGuaranteeError` for what it asserts, `UnmetNeedError` when it skips, the errors of calls to the
        canister as they are, and `InputError` for any other error, which is the function's own.
        """
        given = {name: ARGUMENTS[name](target, state) for name in self.arguments}
        try:
            with _loading(self.file.resolve().parent):
                return self.function(**given)
        except (BrokenGuaranteeError, HarnessError):
            raise
        except (AssertionError, pytest.fail.Exception) as error:
            raise broken(self._asserted(error, target)) from error
        except pytest.skip.Exception as error:
            raise UnmetNeedError(one_line(str(error), _WIDTH) or "the test skips itself") from error
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise InputError(one_line(f"{self.place} raised {what}{self._where(error)}", _WIDTH)) from error

    def _asserted(self, error: BaseException, target: Target) -> str:
        """Return what was asserted: the message, else the line of source, and the call before it."""
        text = str(error).strip() or self._line(error)
        steps = target.call_log.steps
        last = (
            f"; the last call was {steps[-1].method}({steps[-1].arguments}) -> {steps[-1].outcome}"
            if steps
            else ""
        )
        return one_line(f"{text}{self._where(error)}{last}", _WIDTH)

    def _frames(self, error: BaseException) -> list[traceback.FrameSummary]:
        frames = traceback.extract_tb(error.__traceback__)
        return [frame for frame in frames if Path(frame.filename) == self.file.resolve()]

    def _line(self, error: BaseException) -> str:
        frames = self._frames(error)
        return (frames[-1].line or "") if frames else type(error).__name__

    def _where(self, error: BaseException) -> str:
        frames = self._frames(error)
        return f" ({self.file}, line {frames[-1].lineno})" if frames else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFunctions:
    """All functions that were found; None where there is none of a role."""

    fill: UserFunction | None = None
    fill_more: UserFunction | None = None
    verify: UserFunction | None = None
    workload: UserFunction | None = None
    checks: tuple[Check, ...] = ()


def read_user_functions(files: Sequence[Path], catalogue: Mapping[str, Guarantee]) -> UserFunctions:
    """Import the files and find their functions.

    Raises `InputError` for a file that cannot be imported, two functions of one role, an argument that there is not,
    and a test of a guarantee that is not in the `catalogue`.
    """
    roles: dict[str, UserFunction] = {}
    checks: list[Check] = []
    for file in files:
        found = list(_found(file))
        if not found:
            raise InputError(f"{one_line(str(file))} has no {', no '.join(ROLES)} and no test of a guarantee")
        for own, named in found:
            for role in named:
                if role in roles:
                    raise InputError(f"{own.place} and {roles[role].place} are both {role}: there can be one")
                roles[role] = own
            checks += [_check(own, id_, catalogue) for id_ in _guarantees(own.function)]
    return UserFunctions(**roles, checks=tuple(checks))


def _found(file: Path) -> Iterator[tuple[UserFunction, list[str]]]:
    """The functions of a file that the gate calls, each with its roles."""
    for name, function in _functions(_imported(file)):
        roles = _roles(name, function)
        if not roles and not _guarantees(function):
            continue
        own = UserFunction(function=function, file=file, arguments=_arguments(function, file))
        if roles and _guarantees(function):
            raise InputError(f"{own.place} is {roles[0]} and a test of a guarantee: it can be one of them")
        if not name:
            raise InputError(f"{own.place} is a method of a class: the gate calls functions of a file only")
        yield own, roles


def _imported(file: Path) -> ModuleType:
    """Import a file under a name of its own, with its folder on the path as for a script."""
    if not file.is_file():
        raise InputError(f"cannot read {one_line(str(file))}: there is no such file")
    path = file.resolve()
    name = f"ic_harness_own_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{one_line(str(file))} is no Python file: its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _loading(path.parent):
            spec.loader.exec_module(module)
    except (Exception, SystemExit, pytest.skip.Exception) as error:
        del sys.modules[name]
        raise InputError(
            one_line(f"cannot import {file}: {type(error).__name__}: {error}", _WIDTH)
        ) from error
    return module


@contextmanager
def _loading(folder: Path) -> Iterator[None]:
    """Add the folder to the import path, and redirect prints to standard error: standard output has the report."""
    sys.path.insert(0, str(folder))
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.path.remove(str(folder))


def _functions(module: ModuleType) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The functions that the file defines itself, in its order; those of its classes that are marked have no name."""
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(value):
            yield name, value
        elif inspect.isclass(value):
            yield from (("", it) for it in vars(value).values() if inspect.isfunction(it) and _marks(it))


def _marks(function: Callable[..., Any]) -> list[pytest.Mark]:
    marks = getattr(function, "pytestmark", [])
    return list(marks) if isinstance(marks, list) else [marks]


def _roles(name: str, function: Callable[..., Any]) -> list[str]:
    marked = {mark.name for mark in _marks(function)}
    return [role for role in ROLES if name == role or f"gate_{role}" in marked]


def _guarantees(function: Callable[..., Any]) -> list[str]:
    """The ids of the guarantees that a test proves or refutes, in the order of its markers."""
    return [
        str(mark.args[0]) for mark in reversed(_marks(function)) if mark.name == "guarantee" and mark.args
    ]


def _arguments(function: Callable[..., Any], file: Path) -> tuple[str, ...]:
    place = f"{one_line(str(file))}::{function.__name__}"
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise InputError(f"{place} must be a plain function: the gate cannot await it")
    wanted = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name in ARGUMENTS:
            wanted.append(name)
        elif parameter.default is inspect.Parameter.empty:
            hint = suggest(name, ARGUMENTS)
            raise InputError(f"{place} asks for {name!r}, which the gate does not have; {hint}")
    return tuple(wanted)


def _check(own: UserFunction, id_: str, catalogue: Mapping[str, Guarantee]) -> Check:
    if id_ not in catalogue:
        hint = suggest(id_, catalogue, nothing="there are none: name a catalogue with --guarantees")
        raise InputError(f"{own.place} tests the guarantee {one_line(id_)!r}, which no catalogue has; {hint}")

    def run(target: Target) -> None:
        own.call(target)

    run.__name__ = own.function.__name__
    return Check(catalogue[id_], run)
