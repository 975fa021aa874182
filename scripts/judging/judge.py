"""What every judge is: a suite that others wrote, found in a folder, run against the URL of a replica.

A new judge is one module beside this one with a `JUDGE`, its name in `__main__.JUDGES`, and one list of expected
failures in `tests/interop/expected/<name>.toml`.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path


class UnavailableError(Exception):
    """A tool that the suite needs is missing (the message names it): the suite is skipped."""


class BrokenOffError(Exception):
    """The suite did not run to its end, so that there is no score; the message holds the end of its output."""


@dataclass(frozen=True)
class Result:
    """The outcome of one case; `detail` is what the suite printed about a failure."""

    passed: bool
    detail: str = ""


@dataclass(frozen=True)
class Beside:
    """What a suite has beside its replica: options of `replica start`, its environment, words for the suite itself.

    `program` are the words for Python that start the replica, where it is not the command of the package.
    """

    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    program: tuple[str, ...] = ("-m", "ic_harness.cli", "replica", "start")


@dataclass(frozen=True)
class Bench:
    """What a suite gets: itself, a replica, and a folder.

    `found` is the file or folder that matched `Judge.pattern`; `url` the replica's (fresh, only for this suite);
    `work` an empty temporary folder, removed afterwards: suites are unpacked and run there; `jobs` how many cases
    may run at once. `words` are those of `Beside`.
    """

    found: Path
    url: str
    work: Path
    jobs: int
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judge:
    """One suite. `pattern` finds it in the judges' folder; `run` gives the result of every case by its name.

    `run` raises `UnavailableError` before it does anything where a tool is missing, `BrokenOffError` where the suite
    ended without a verdict. `beside` starts what the suite needs besides, given the parent of its temporary folder.
    """

    name: str
    pattern: str
    run: Callable[[Bench], Mapping[str, Result]]
    beside: Callable[[Path], AbstractContextManager[Beside]] = lambda _: nullcontext(Beside())

    def find(self, shelf: Path) -> Path | None:
        """The newest match of `pattern` in the judges' folder by name; None where there is none."""
        return max(shelf.glob(self.pattern), default=None)


def command(
    words: Sequence[str | Path],
    *,
    folder: Path,
    timeout_s: float,
    environment: Mapping[str, str] | None = None,
    good: Iterable[int] = (0,),
) -> str:
    """Run a command in `folder` with additions to the environment; return all that it printed.

    Raises BrokenOffError when it exits with a status outside `good` or takes longer than `timeout_s`.
    """
    with subprocess.Popen(
        [str(word) for word in words],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as suite:
        try:
            printed, _ = suite.communicate(timeout=timeout_s)
        except BaseException as problem:
            os.killpg(suite.pid, signal.SIGKILL)  # with all that it started
            if isinstance(problem, subprocess.TimeoutExpired):
                raise BrokenOffError(f"{words[0]} took longer than {timeout_s} s") from None
            raise
    if suite.returncode not in set(good):
        raise BrokenOffError(f"{words[0]} exited with status {suite.returncode}: {printed[-2000:]}")
    return printed


def numbered(results: Iterable[tuple[str, Result]]) -> dict[str, Result]:
    """Results by name; the second case of the same name becomes `name #2`, and so on."""
    found: dict[str, Result] = {}
    seen: dict[str, int] = {}
    for name, result in results:
        seen[name] = seen.get(name, 0) + 1
        found[name if seen[name] == 1 else f"{name} #{seen[name]}"] = result
    return found
