"""How to ask a judge: one process a scenario, a request as JSON in, what the judge saw as JSON out."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import toolbox


@dataclass(frozen=True)
class Judge:
    """A client that others wrote, with our scenarios for it."""

    name: str
    command: Sequence[str | Path]
    folder: Path

    def ask(self, scenario: str, *, timeout_s: float = 120, **request: Any) -> Any:
        """What the judge saw in `scenario`. Raises AssertionError with all it printed when it broke off."""
        done = subprocess.run(
            [str(part) for part in self.command],
            cwd=self.folder,
            input=json.dumps({"scenario": scenario, **request}, default=str),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        said = f"{self.name} {scenario}: {done.stdout[-1500:]}\n{done.stderr[:1500]}"
        assert done.returncode == 0, said
        seen = json.loads(done.stdout.splitlines()[-1])
        assert "failed" not in seen, said
        return seen


def _javascript(client: str, script: str = "driver.mjs") -> Judge:
    return Judge(client, ["node", script], toolbox.npm_folder(client))


def _python(name: str) -> Judge:
    folder = toolbox.HERE / "python"
    python = toolbox.python_venv(name, folder / f"{name}.txt")
    return Judge(name, [python, "-B", f"{name}_driver.py"], folder)


def _rust() -> Judge:
    project = toolbox.HERE / "rust"
    return Judge("ic_agent", [toolbox.cargo_binary(project, "interop-judge")], project)


MAKERS: dict[str, Callable[[], Judge]] = {
    "agent2": lambda: _javascript("agent2"),
    "agent3": lambda: _javascript("agent3"),
    "assets": lambda: _javascript("agent3", "assets.mjs"),
    "core": lambda: _javascript("core"),
    "responses": lambda: _javascript("agent3", "responses.mjs"),
    "canisters": lambda: _javascript("canisters", "icp.mjs"),
    "vetkeys": lambda: _javascript("vetkeys", "keys.mjs"),
    "ic_py": lambda: _python("ic_py"),
    "icp_py_core": lambda: _python("icp_py_core"),
    "ic_agent": _rust,
}
