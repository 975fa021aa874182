"""A replica in a process of its own, as a user starts it, for one suite."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from judge import BrokenOffError

COMMAND = ("-m", "ic_harness.cli", "replica", "start")
STOP_S = 300
"""A suite leaves gigabytes of state, which the replica writes when it stops; only one that hangs takes so long."""


@contextmanager
def served(
    state: Path, *options: str, program: Sequence[str] = COMMAND, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The URL of a fresh replica with its state in `state`, ended afterwards.

    Raises BrokenOffError when it does not start, ends while the suite runs, or does not stop within `STOP_S`.
    """
    command = [sys.executable, *program, "--port", "0", "--json", *options]
    log = state.with_suffix(".log")
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            [*command, "--state-dir", str(state)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "PYTHONFAULTHANDLER": "1", **(environment or {})},
        ) as replica,
    ):
        try:
            assert replica.stdout is not None
            line = replica.stdout.readline()
            if not line:
                raise BrokenOffError(f"the replica did not start: {_end(log)}")
            yield json.loads(line)["url"]
            if replica.poll() is not None:
                raise BrokenOffError(f"the replica ended with status {replica.returncode}: {_end(log)}")
        finally:
            _stop(replica, log)


def _stop(replica: subprocess.Popen[str], log: Path) -> None:
    """End the replica; one that does not stop writes the stacks of its threads to the log (SIGABRT) first."""
    replica.terminate()
    try:
        replica.wait(STOP_S)
    except subprocess.TimeoutExpired:
        replica.send_signal(signal.SIGABRT)
        replica.wait()
        raise BrokenOffError(f"the replica did not stop within {STOP_S} s: {_end(log)}") from None


def _end(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-6000:]
