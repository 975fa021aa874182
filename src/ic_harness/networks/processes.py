"""Programs of others: finding them, running them to their end, and processes that are ended for sure.

Each process gets a group of its own, so that whatever it starts in turn can be ended with it. What it prints
goes to a file and not to a pipe: a program that leaves a child in the background would keep a pipe open.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from ic_harness.errors import NetworkError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.portable_files import read_at

from .deadline import STOP_S, Deadline

_TOLD: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that a network needs: its names on PATH, and how to get it.

    `variable` is the environment variable that may name the file, None when there is no such.
    """

    names: tuple[str, ...]
    install: str
    variable: str | None = None

    def find(self, environ: Mapping[str, str]) -> Path | None:
        """Find the file; None when it is not installed. Raises `NetworkError` when `variable` names none."""
        given = environ.get(self.variable) if self.variable else None
        if given:
            if shutil.which(given) is None:
                raise NetworkError(f"{self.variable} is {given}, and that is no program: {self.install}")
            return Path(given)
        found = (shutil.which(name, path=environ.get("PATH", os.defpath)) for name in self.names)
        return next((Path(path) for path in found if path), None)

    def require(self, environ: Mapping[str, str]) -> Path:
        """Find the file. Raises `NetworkError` with how to install the program when there is none."""
        path = self.find(environ)
        if path is None:
            variable = f", and {self.variable} is not set" if self.variable else ""
            raise NetworkError(f"there is no program {self.names[0]} on PATH{variable}. {self.install}")
        return path


class Child:
    """A process that was started here, with all that it started in its group; `stop` ends it for sure.

    Raises `NetworkError` when it cannot be started.
    """

    def __init__(
        self, command: Sequence[str | Path], *, cwd: Path | None = None, environ: Mapping[str, str]
    ) -> None:
        self.command = [str(part) for part in command]
        self._ended = False
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        try:
            self._process = subprocess.Popen(  # noqa: S603
                self.command,
                cwd=cwd,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            self._output.close()
            raise NetworkError(f"cannot start {self.command[0]}: {error.strerror}") from error

    @property
    def pid(self) -> int:
        """The id of the process, and of its group."""
        return self._process.pid

    def status(self) -> int | None:
        """The exit status; None while the process runs."""
        return self._process.poll()

    def said(self) -> str:
        """The end of what was printed so far, in one line."""
        size = os.fstat(self._output.fileno()).st_size
        text = read_at(self._output.fileno(), _TOLD, max(0, size - _TOLD)).decode(errors="replace")
        return " ".join(text.split()) or "it printed nothing"

    def stop(self, deadline: Deadline | None = None) -> None:
        """End the process and its group: asked first, killed when that takes too long."""
        if self._ended:
            return
        if self.status() is None:
            self._end(force=False)
            (deadline or Deadline(STOP_S)).wait_for(self.status)
        self._end(force=True)
        self.forget()

    def forget(self) -> None:
        """Wait for the end of the process alone; what it started in the background goes on."""
        self._ended = True
        self._process.wait()
        self._output.close()

    def _end(self, *, force: bool) -> None:
        if not hasattr(os, "killpg"):  # Windows has no groups to signal
            (self._process.kill if force else self._process.terminate)()
            return
        try:
            os.killpg(self.pid, signal.SIGKILL if force else signal.SIGTERM)
        except (ProcessLookupError, PermissionError):  # no process is left; macOS raises the latter
            return


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    environ: Mapping[str, str],
    deadline: Deadline,
) -> str:
    """Run a program to its end; returns what it printed last, at most 2,000 bytes, in one line.

    What it left in the background goes on when it succeeded, and is ended when it failed or took too long;
    then `NetworkError` contains what it printed.
    """
    child = Child(command, cwd=cwd, environ=environ)
    status = deadline.wait_for(child.status)
    said = child.said()
    if status == 0:
        child.forget()
        return said
    child.stop()
    name = " ".join([Path(child.command[0]).name, *child.command[1:]])
    if status is None:
        raise NetworkError(f"`{name}` did not finish within {deadline.seconds:.0f} s; it said: {said}")
    raise NetworkError(f"`{name}` failed with status {status}; it said: {said}")
