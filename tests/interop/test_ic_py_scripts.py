"""A script of ic-py moves over by changing its imports, and sees the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from .conftest import have
from .toolbox import HERE

pytestmark = pytest.mark.interop

SCRIPT = HERE / "python" / "ic_py_script.py"


def seen_by(python, script, *arguments):
    """What a script prints."""
    command = [str(python), "-B", str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_the_same_script(lab, tmp_path):
    """With ic-py and with its imports changed, the script sees the same; nothing else is changed."""
    theirs = lab.deploy("motoko/counter", 40)
    ours = lab.deploy("motoko/counter", 40)
    text, changed = re.subn(r"^from ic\.", "from ic_harness.ic_py.", SCRIPT.read_text(), flags=re.MULTILINE)
    assert changed == 8
    (tmp_path / "script.py").write_text(text, encoding="utf-8")
    expected = seen_by(have("ic_py").command[0], SCRIPT, lab.url, theirs.id)
    found = seen_by(sys.executable, tmp_path / "script.py", lab.url, ours.id)
    assert found == expected
    assert found["refused"]
