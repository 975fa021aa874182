"""Chromium as a reader of pages: one browser for many looks, each with its own size, colours and keys pressed."""

from __future__ import annotations

import json
import shutil
import subprocess

from tests.interop import toolbox


def look_once(folder, looking):
    """What `looking()` gives, done once for all workers of a test run; `folder` is the run's, shared by them."""
    answer = folder / "seen.json"
    with toolbox.made_once(folder) as making:
        if making:
            answer.write_text(json.dumps(looking()), encoding="utf-8")
    return json.loads(answer.read_text(encoding="utf-8"))


def look_at(looks):
    """What Chromium saw in each look. Raises ToolMissingError where it or Node cannot be had."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise toolbox.ToolMissingError("chromium is not installed")
    done = subprocess.run(
        ["node", "look.mjs"],
        cwd=toolbox.npm_folder("playwright"),
        input=json.dumps({"chromium": chromium, "looks": looks}),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
