"""Other operating systems: every module imports without what Windows and macOS lack, and files work without it too."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ic_harness import portable_files

SOURCE = Path(__file__).resolve().parents[1] / "src"

# Libraries are imported first: they know other systems, and look at `os` in their own ways.
ABSENT = """
import asyncio, ctypes, email, importlib, multiprocessing, selectors, shutil, signal, socket, socketserver, ssl
import subprocess, sys, tempfile, concurrent.futures, http.client, logging.handlers, unittest.mock, urllib.request
import click, cryptography, httpx, PIL.Image, pydantic, pytest, rich.console, rich.progress, uvicorn, wasmtime, yaml, os
import hypothesis, starlette, distributed, _pytest.pytester

MODULES = ("fcntl", "grp", "posix", "pty", "pwd", "pyblst", "resource", "syslog", "termios", "tty")
for name in MODULES:
    sys.modules[name] = None
GONE = [
    name for name in dir(os)
    if name.startswith(("O_", "sched_", "posix_", "pre", "pwr", "memfd", "W", "MFD_", "SCHED_"))
    and name not in ("O_APPEND", "O_CREAT", "O_EXCL", "O_RDONLY", "O_RDWR", "O_TRUNC", "O_WRONLY")
    or name in ("chown", "copy_file_range", "fchdir", "fchmod", "fchown", "fork", "forkpty", "getegid", "geteuid",
                "getgid", "getpgid", "getuid", "killpg", "mkfifo", "pipe2", "readv", "sendfile", "setsid", "statvfs",
                "uname", "wait", "writev")
]
for name in GONE:
    delattr(os, name)
for name in ("SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGUSR1", "SIGUSR2", "pthread_sigmask"):
    delattr(signal, name)
for name in ("AF_UNIX", "SO_REUSEPORT", "socketpair"):
    if hasattr(socket, name):
        delattr(socket, name)
"""
IMPORT_ALL = """
from pathlib import Path
source = Path(sys.argv[1])
count = 0
for package in ("ic_harness", "ic_capsule"):
    for path in sorted((source / package).rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        if "tests" in parts or parts[-1] == "__main__":
            continue
        importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
        count += 1
print(count)
"""
USE_FILES = """
from pathlib import Path
from ic_harness.replica import ManualClock, Replica, ReplicaConfig, examine_state
folder = Path(sys.argv[1])
sys.modules["msvcrt"] = type("msvcrt", (), {"LK_NBLCK": 2, "locking": lambda *_: None})
for _ in range(2):
    with Replica(ReplicaConfig(state_dir=folder, clock=ManualClock())) as replica:
        replica.tick(3)
report = examine_state(folder)
print(report.whole, report.saved)
"""


def script(*parts):
    """Run code with an argument in a process of its own; return what it prints."""
    *texts, argument = parts
    command = [sys.executable, "-W", "ignore", "-c", "".join(texts), str(argument)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_imports():
    """No module needs at import what Windows or macOS has not, nor an optional library for BLS12-381."""
    assert int(script(ABSENT, IMPORT_ALL, SOURCE)) > 400


@pytest.fixture(params=["this system", "a system without them"])
def handle(request, tmp_path, monkeypatch):
    """A file of ten bytes that is open, with and without the calls of POSIX."""
    if request.param != "this system":
        for name in ("pread", "pwrite", "writev", "fchmod", "O_DIRECTORY"):
            monkeypatch.delattr(os, name, raising=False)
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    opened = os.open(path, os.O_RDWR | portable_files.SAFE)
    yield opened
    os.close(opened)


def test_positions_are_kept(handle):
    """Reading and writing at a position leaves the present one as it is."""
    os.lseek(handle, 3, os.SEEK_SET)
    assert portable_files.read_at(handle, 4, 6) == b"6789"
    assert portable_files.read_at(handle, 4, 20) == b""
    assert portable_files.write_at(handle, b"ab", 0) == 2
    assert portable_files.write_buffers(handle, [b"x", b"", b"yz"]) == 3
    assert portable_files.read_at(handle, 99, 0) == b"ab2xyz6789"


def test_many_threads_read(handle):
    """Threads that read one file at once each get the bytes of their own position."""
    barrier = threading.Barrier(8)

    def read(thread):
        barrier.wait(timeout=60)
        return [portable_files.read_at(handle, 1, thread) for _ in range(500)]

    with ThreadPoolExecutor(8) as pool:
        assert [set(found) for found in pool.map(read, range(8))] == [{b"%d" % n} for n in range(8)]


def test_folders_and_permissions(handle, tmp_path):
    """A folder is synchronized and a file made private, where there is a way to do so."""
    portable_files.sync_folder(tmp_path)
    portable_files.make_private(handle)


class Locking:
    """The locks of Windows: the byte at a file's position, for one descriptor at a time."""

    LK_NBLCK = 2

    def __init__(self):
        self.owner = None
        self.error = 13

    def locking(self, handle, how, count):
        assert (how, count, os.lseek(handle, 0, os.SEEK_CUR)) == (2, 1, 0x7FFF_FFFE)
        if self.owner not in {None, handle}:
            raise OSError(self.error, "locked")
        self.owner = handle


@pytest.mark.parametrize("system", ["posix", "windows"])
def test_locks(system, tmp_path, monkeypatch):
    """One descriptor has the lock of a file; the other one learns it at once, and positions stay."""
    if system == "windows":
        monkeypatch.setattr(portable_files, "fcntl", None)
        monkeypatch.setitem(sys.modules, "msvcrt", Locking())
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    first, second = (os.open(path, os.O_RDWR) for _ in range(2))
    try:
        os.lseek(first, 3, os.SEEK_SET)
        portable_files.lock(first)
        assert os.read(first, 1) == b"3"
        with pytest.raises(BlockingIOError):
            portable_files.lock(second)
    finally:
        os.close(first)
        os.close(second)


def test_other_failures_of_locks(tmp_path, monkeypatch):
    """A file system without locks is another error than a lock that is taken."""
    windows = Locking()
    windows.owner, windows.error = -1, 22
    monkeypatch.setattr(portable_files, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", windows)
    with (tmp_path / "file").open("wb") as file, pytest.raises(OSError) as refused:
        portable_files.lock(file.fileno())
    assert not isinstance(refused.value, BlockingIOError)


def test_state_folders(tmp_path):
    """A replica keeps its state, and opens it again, without the calls of POSIX."""
    assert script(ABSENT, USE_FILES, tmp_path / "state").startswith("True round 6:")
