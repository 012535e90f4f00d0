"""Sandbox of a process: Linux's Landlock, seccomp and prctl, with ctypes.

A decode process opens untrusted files with libraries that have had vulnerabilities. An attacker who
takes it over finds no network, no other process and no file: it works on file descriptors. Landlock
(kernel 5.13) also prevents it from reading the memory and environment of processes outside, even
root's; seccomp denies sockets, programs and processes. If the kernel lacks one of them, the others
still apply, and `confine` returns what is missing.
"""

import ctypes
import errno
import os
import platform
import resource
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

MB = 1024 * 1024
MOST_FILES = 64
MOST_WRITTEN_BYTES = 512 * MB
"""The largest file it may write: a clean copy of a picture is not larger."""

PACKAGES = frozenset({"site-packages", "dist-packages"})
"""Names of the folders that packages are installed into."""

PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 4, 22, 38  # linux/prctl.h

# linux/landlock.h; the same numbers on every architecture
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION = 1
PATH_BENEATH = 1
READ = 1 << 2 | 1 << 3  # files, and the names in folders
RIGHTS = {1: 1 << 13, 2: 1 << 14, 3: 1 << 15, 5: 1 << 16}
"""One more than the sum of all rights to files that a version knows, by the first that does."""
TCP_SINCE, SCOPES_SINCE = 4, 6
BIND_AND_CONNECT = SIGNALS_AND_ABSTRACT_SOCKETS = 3

# linux/seccomp.h, linux/bpf_common.h, linux/audit.h
FILTER = 2
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
CLONE_THREAD = 0x10000
X32 = 0x40000000
"""From here on the same calls again, for programs of 32-bit addresses."""

REFUSED = (
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4"),
    *("execve", "execveat", "fork", "vfork", "kill", "tkill"),
    *("ptrace", "process_vm_readv", "process_vm_writev"),
    *("pidfd_open", "pidfd_getfd", "pidfd_send_signal"),
    *("mount", "unshare", "setns", "open_by_handle_at", "bpf", "perf_event_open"),
    *("userfaultfd", "add_key", "keyctl", "io_uring_setup"),
)
MACHINES: dict[str, tuple[int, tuple[int, ...], int]] = {
    "x86_64": (
        0xC000003E,
        (
            *(41, 53, 42, 49, 50, 43, 288, 59, 322, 57, 58, 62, 200, 101, 310, 311, 434, 438, 424),
            *(165, 272, 308, 304, 321, 298, 323, 248, 250, 425),
        ),
        56,
    ),
    "aarch64": (
        0xC00000B7,
        (
            *(198, 199, 203, 200, 201, 202, 242, 221, 281, 129, 130, 117, 270, 271, 434, 438, 424),
            *(40, 97, 268, 265, 280, 241, 282, 217, 219, 425),
        ),
        220,
    ),
}
"""By machine: its name for audits, the numbers of `REFUSED` (of those it has), and of `clone`."""
CLONE3 = 435


def hide_memory() -> None:
    """Deny other processes of the same user (not root's) access to memory and environment."""
    with suppress(OSError):
        _prctl(PR_SET_DUMPABLE, 0)


def confine() -> list[str]:
    """Give up all rights that a decode process does not need; this cannot be undone.

    It may read its own programs, compute, start threads, and write to open descriptors. Return the
    names of what this system cannot deny.
    """
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, MOST_FILES)
    _lower(resource.RLIMIT_FSIZE, MOST_WRITTEN_BYTES)
    hide_memory()
    parts: dict[str, Callable[[], None]] = {
        "privileges": lambda: _prctl(PR_SET_NO_NEW_PRIVS, 1),
        "landlock": lambda: _restrict_files(_program_folders()),
        "seccomp": _refuse_calls,
    }
    lacking = []
    for name, refuse in parts.items():
        try:
            refuse()
        except OSError:
            lacking.append(name)
    return lacking


def _lower(which: int, most: int) -> None:
    """Lower a limit to `most`, unless it is already lower: limits cannot be raised again."""
    _, hard = resource.getrlimit(which)
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (least, least))


def _libc() -> ctypes.CDLL:
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "this is no Linux")
    return ctypes.CDLL(None, use_errno=True)


def _done(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _prctl(option: int, value: int, pointer: ctypes.c_void_p | None = None) -> None:
    _done(_libc().prctl(option, ctypes.c_ulong(value), pointer, None, None))


def _call(number: int, *arguments: object) -> int:
    return _done(int(_libc().syscall(ctypes.c_long(number), *arguments)))


def _program_folders() -> list[str]:
    """Return the folders of Python, its packages and Avenue.

    Where Avenue is not installed as a package, nothing beside it: a working copy has settings and a
    database there.
    """
    package = Path(__file__).parent
    beside = {package.parent.resolve()} if package.parent.name not in PACKAGES else set()
    searched = [each for each in sys.path if Path(each).resolve() not in beside]
    return [str(package), *searched, sys.prefix, sys.base_prefix]


def _restrict_files(readable: Iterable[str]) -> None:
    """Deny all access to the file system except reading `readable`."""
    version = _call(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(ASK_VERSION))
    rights = max(bit for since, bit in RIGHTS.items() if since <= version) - 1
    told = [rights]
    if version >= TCP_SINCE:
        told.append(BIND_AND_CONNECT)
    if version >= SCOPES_SINCE:
        told.append(SIGNALS_AND_ABSTRACT_SOCKETS)
    attributes = struct.pack(f"={len(told)}Q", *told)
    rules = _call(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    try:
        for folder in dict.fromkeys(readable):
            with suppress(FileNotFoundError, NotADirectoryError):
                _allow(rules, folder)
        _call(RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint32(0))
    finally:
        os.close(rules)


def _allow(rules: int, folder: str) -> None:
    path = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        beneath = struct.pack("=Qi", READ, path)
        _call(
            ADD_RULE,
            ctypes.c_int(rules),
            ctypes.c_int(PATH_BENEATH),
            beneath,
            ctypes.c_uint32(0),
        )
    finally:
        os.close(path)


def _refuse_calls() -> None:
    if platform.machine() not in MACHINES:
        raise OSError(errno.ENOSYS, f"the numbers of {platform.machine()} are not known")
    program = b"".join(_program(*MACHINES[platform.machine()]))
    code = ctypes.create_string_buffer(program, len(program))
    packed = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    pointed = ctypes.create_string_buffer(packed, len(packed))
    _prctl(PR_SET_SECCOMP, FILTER, ctypes.cast(pointed, ctypes.c_void_p))


def _program(architecture: int, refused: Iterable[int], clone: int) -> Iterator[bytes]:
    """Yield the instructions of a filter that denies the calls in `refused` and new processes.

    The C library starts threads with `clone3`, whose arguments no filter can see; told that it does
    not exist, the library uses `clone`.
    """
    yield _step(LOAD, ARCHITECTURE)
    yield _step(EQUAL, architecture, 1, 0)
    yield _step(RETURN, REFUSE | errno.EPERM)
    yield _step(LOAD, NUMBER)
    yield _step(AT_LEAST, X32, 0, 1)
    yield _step(RETURN, REFUSE | errno.EPERM)
    for number in refused:
        yield _step(EQUAL, number, 0, 1)
        yield _step(RETURN, REFUSE | errno.EPERM)
    yield _step(EQUAL, CLONE3, 0, 1)
    yield _step(RETURN, REFUSE | errno.ENOSYS)
    yield _step(EQUAL, clone, 0, 3)
    yield _step(LOAD, FIRST_ARGUMENT)
    yield _step(ANY_BIT, CLONE_THREAD, 1, 0)
    yield _step(RETURN, REFUSE | errno.EPERM)
    yield _step(RETURN, ALLOW)


def _step(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_so, if_not, value)
