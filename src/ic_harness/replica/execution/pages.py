"""Memory mappings of the Linux kernel: copy-on-write views of a file in memory, and which pages were written.

A view maps a memory file privately: unwritten pages show the file, a written page becomes a private copy. The
kernel knows which pages are private (ioctl PAGEMAP_SCAN since Linux 6.7, `/proc/self/pagemap` before), and
forgets them on request (madvise MADV_DONTNEED: the view shows the file again). So rollback and commit cost what
was touched.
Addresses and lengths are bytes; lengths are multiples of the page size.
"""

from __future__ import annotations

import _thread
import ctypes
import os
import sys
from array import array
from contextlib import suppress
from functools import cache

PAGE = 4096
_PROT_NONE, _PROT_READ_WRITE = 0, 3
_MAP_PRIVATE, _MAP_FIXED, _MAP_NORESERVE = 0x02, 0x10, 0x4000
_MADV_DONTNEED = 4
_PUNCH_HOLE_KEEP_SIZE = 3
_PAGEMAP_SCAN = 0xC0606610
_IS_FILE, _IS_PRESENT, _IS_SWAPPED = 4, 8, 16
_REGIONS = 512
_MANY_BYTES = 32 << 20
_PRESENT_BIT, _SWAPPED_BIT, _FILE_BIT = 1 << 63, 1 << 62, 1 << 61

Range = tuple[int, int]
"""Start and end (exclusive), in bytes."""


class _ScanRequest(ctypes.Structure):
    _fields_ = [  # the attribute that ctypes asks for
        (name, ctypes.c_uint64)
        for name in (
            "size", "flags", "start", "end", "walk_end", "regions", "region_count", "max_pages",
            "inverted", "mask", "any_of", "wanted",
        )
    ]  # fmt: skip


class _Scanner:
    """The system calls, bound once."""

    def __init__(self) -> None:
        self.libc = ctypes.PyDLL(None, use_errno=True)  # short calls: cheaper than to let other threads in
        self.slow = ctypes.CDLL(None, use_errno=True)  # copies: other threads may run meanwhile
        self.libc.mmap.restype = ctypes.c_void_p
        self.libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
        self.libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        self.libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        self.libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        self.libc.ioctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p]
        self.slow.pwrite.restype = ctypes.c_ssize_t
        self.slow.pwrite.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long]
        self.slow.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
        self.pagemap = os.open("/proc/self/pagemap", os.O_RDONLY | os.O_CLOEXEC)
        self.can_scan = True
        self.owner = os.getpid()


@cache
def _kernel_of(process: int) -> _Scanner:  # noqa: ARG001  a forked child must open its own pagemap
    return _Scanner()


def _kernel() -> _Scanner:
    return _kernel_of(os.getpid())


@cache
def supported() -> bool:
    """Return whether this system has what the module needs, by trying it on one page."""
    if sys.platform != "linux" or os.sysconf("SC_PAGE_SIZE") != PAGE:
        return False
    try:
        return _probe()
    except (OSError, AttributeError):
        return False


def _probe() -> bool:
    descriptor = new_file(4 * PAGE)
    try:
        address = view(descriptor, 4 * PAGE)
        allow(address, 4 * PAGE)
        ctypes.memset(address + PAGE, 1, 1)
        ctypes.string_at(address, 1)
        written = written_ranges(address, 4 * PAGE)
        discard(address, 4 * PAGE)
        clean = written_ranges(address, 4 * PAGE)
        release(address, 4 * PAGE)
        return written == [(PAGE, 2 * PAGE)] and clean == []
    finally:
        os.close(descriptor)


def new_file(length: int) -> int:
    """A file in memory, all zeros, that takes no room until written; returns its descriptor."""
    descriptor = os.memfd_create("ic-harness", os.MFD_CLOEXEC)
    os.ftruncate(descriptor, length)
    return descriptor


def close_file(descriptor: int) -> None:
    """Close a file in memory; one of many pages beside what goes on, because the system takes long to free them."""
    if os.fstat(descriptor).st_blocks * 512 >= _MANY_BYTES:
        with suppress(RuntimeError):  # the interpreter ends
            _thread.start_new_thread(os.close, (descriptor,))
            return
    os.close(descriptor)


def punch(descriptor: int, start: int, end: int) -> None:
    """Turn a range of a memory file back into zeros that take no room."""
    if end > start:
        _check(_kernel().slow.fallocate(descriptor, _PUNCH_HOLE_KEEP_SIZE, start, end - start))


def view(descriptor: int, length: int) -> int:
    """Map a file copy-on-write, with no access yet; returns the address."""
    address = _kernel().libc.mmap(None, length, _PROT_NONE, _MAP_PRIVATE | _MAP_NORESERVE, descriptor, 0)
    if address is None or address == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), f"no address space for a memory of {length} bytes")
    return int(address)


def replace(address: int, length: int, descriptor: int, offset: int) -> None:
    """Show a part of another file in a part of a view, copy-on-write and with no access yet.

    What was written there is forgotten.
    """
    flags = _MAP_PRIVATE | _MAP_NORESERVE | _MAP_FIXED
    shown = _kernel().libc.mmap(address, length, _PROT_NONE, flags, descriptor, offset)
    _check(int(shown != address))


def release(address: int, length: int) -> None:
    """Unmap a view."""
    _check(_kernel().libc.munmap(address, length))


def allow(address: int, length: int) -> None:
    """Let the range be read and written."""
    if length:
        _check(_kernel().libc.mprotect(address, length, _PROT_READ_WRITE))


def forbid(address: int, length: int) -> None:
    """Let any access to the range fault."""
    if length:
        _check(_kernel().libc.mprotect(address, length, _PROT_NONE))


def discard(address: int, length: int) -> None:
    """Forget the private copies of a range: it shows the file again."""
    if length:
        _check(_kernel().libc.madvise(address, length, _MADV_DONTNEED))


def write_out(descriptor: int, address: int, length: int, offset: int) -> None:
    """Write `length` bytes of memory at `address` into a file."""
    done = 0
    while done < length:
        count = _kernel().slow.pwrite(descriptor, address + done, length - done, offset + done)
        if count < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        done += count


def written_ranges(address: int, length: int) -> list[Range]:
    """The written parts of a view, as offsets from `address`, in order, neighbours joined."""
    if not length:
        return []  # of most canisters' stable memory
    kernel = _kernel()
    if kernel.can_scan:
        try:
            return _scan(kernel, address, length)
        except OSError:
            kernel.can_scan = False
    return _read_pagemap(kernel, address, length)


def _scan(kernel: _Scanner, address: int, length: int) -> list[Range]:
    regions = (ctypes.c_uint64 * (3 * _REGIONS))()
    request = _ScanRequest(
        size=ctypes.sizeof(_ScanRequest), start=address, end=address + length,
        regions=ctypes.addressof(regions), region_count=_REGIONS,
        inverted=_IS_FILE, mask=_IS_FILE, any_of=_IS_PRESENT | _IS_SWAPPED, wanted=_IS_PRESENT | _IS_SWAPPED,
    )  # fmt: skip
    found: list[Range] = []
    while request.start < request.end:
        count = kernel.libc.ioctl(kernel.pagemap, _PAGEMAP_SCAN, ctypes.addressof(request))
        if count < 0:
            raise OSError(ctypes.get_errno(), "PAGEMAP_SCAN")
        flat = regions[: 3 * count]
        for start, end in zip(flat[::3], flat[1::3], strict=True):
            _append(found, start - address, end - address)
        request.start = request.walk_end
    return found


def _append(found: list[Range], start: int, end: int) -> None:
    if found and found[-1][1] == start:
        found[-1] = (found[-1][0], end)
    else:
        found.append((start, end))


def _read_pagemap(kernel: _Scanner, address: int, length: int) -> list[Range]:
    found: list[Range] = []
    entries = array("Q")
    entries.frombytes(os.pread(kernel.pagemap, length // PAGE * 8, address // PAGE * 8))
    for index, entry in enumerate(entries):
        if entry & _SWAPPED_BIT or (entry & _PRESENT_BIT and not entry & _FILE_BIT):
            _append(found, index * PAGE, (index + 1) * PAGE)
    return found


def _check(status: int) -> None:
    if status != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
