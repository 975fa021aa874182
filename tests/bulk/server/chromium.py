"""Chromium as somebody who uses the page."""

from __future__ import annotations

import json
import shutil
import subprocess

from tests.interop import toolbox


class Browser:
    """One page in Chromium. Raises ToolMissingError where it or Node cannot be had."""

    def __init__(self):
        self._chromium = shutil.which("chromium") or shutil.which("google-chrome")
        if self._chromium is None:
            raise toolbox.ToolMissingError("chromium is not installed")
        self._process = subprocess.Popen(
            ["node", "drive.mjs"],
            cwd=toolbox.npm_folder("playwright"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def open(self, url, **options):
        """Open a page, in a window of its own."""
        self.do("open", chromium=self._chromium, url=url, **options)

    def do(self, name, **options):
        """Do one thing and return what it gave; what fails raises AssertionError."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": name, **options}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, f"{name} {options}: {answer['error']}"
        return answer["value"]

    def until(self, expression, timeout_s=60):
        """Wait until an expression of JavaScript is true."""
        self.do("until", expression=expression, timeout=timeout_s * 1000)

    def close(self):
        """End the browser."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()
