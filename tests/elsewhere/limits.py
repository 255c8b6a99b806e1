"""What Windows lacks or refuses, on Linux; for code of the package, and for all code where it can.

- ``resource``, ``fcntl`` and others cannot be imported, by anybody.
- ``os`` as the package sees it has no ``kill``, ``execv`` and others; nobody has ``fork``, and
  processes start by spawn.
- Nothing of ``/proc`` and ``/sys`` is there for the package.
- A file that is open is neither replaced nor removed, nor is its folder. A handle for reading alone
  is not flushed. No file has a name such as ``a:b``, and no link is made.
- The package is told that it runs on Windows.
"""

import builtins
import errno
import fcntl
import importlib.abc
import multiprocessing.context
import os
import sys
import sysconfig
import types
from pathlib import Path

import filelock  # noqa: F401 (it and the next ask Linux in other ways than Windows)
import psutil

MODULES = set("crypt fcntl grp nis pty pwd readline resource spwd syslog termios tty".split())
OF_OS = set(
    """
    chown execl execle execlp execlpe execv execve execvp execvpe fchmod fork forkpty getegid
    geteuid getgid getloadavg getpgid getpriority getuid kill killpg lchown lockf mkfifo mknod nice
    openpty posix_spawn pread pwrite register_at_fork sched_getaffinity sched_yield sendfile setpgid
    setsid setuid statvfs sync sysconf uname wait wait3 wait4 waitid waitpid
    """.split()
)
PLACE = os.environ.get("GEMINI_ELSEWHERE", "/nowhere")
"""Below it files are as on Windows; libraries keep files of their own elsewhere."""
STANDARD = sysconfig.get_paths()["stdlib"]
SITE = sysconfig.get_paths()["purelib"]
OWN = str(Path(__file__).parents[2] / "gemini_monai")
FORBIDDEN = set('<>:"|?*')
_busy = [False]


def put_on():
    """All of it, on this process."""
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, _NoModules())
    _limit_imports_of_the_package()
    _leave_spawn_alone()
    os.fsync = _flushing(os.fsync)
    os.stat = _without_places(os.stat)
    os.symlink = _no_links
    sys.addaudithook(_watch)


class _NoModules(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


class _Limited(types.ModuleType):
    """A module as the package sees it."""

    def __init__(self, module, *, without=(), **changed):
        super().__init__(module.__name__)
        self.__dict__.update(module=module, without=set(without), changed=changed)

    def __getattr__(self, name):
        if name in self.without:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return self.changed[name] if name in self.changed else getattr(self.module, name)

    def __setattr__(self, name, value):
        setattr(self.module, name, value)


def _limit_imports_of_the_package():
    real = builtins.__import__
    limited = {
        "os": _Limited(os, without=OF_OS, name="nt"),
        "sys": _Limited(sys, platform="win32"),
    }

    def importing(name, names=None, *more, **options):
        found = real(name, names, *more, **options)
        ours = str((names or {}).get("__name__")).startswith("gemini_monai")
        return limited[name] if ours and name in limited else found

    builtins.__import__ = importing


def _leave_spawn_alone():
    del os.fork, os.forkpty
    for method in ("fork", "forkserver"):
        multiprocessing.context._concrete_contexts.pop(method, None)
    multiprocessing.set_start_method("spawn", force=True)


def _flushing(fsync):
    def flushed(handle):
        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        fsync(handle)

    return flushed


def _without_places(stat):
    def stating(path, *arguments, **options):
        if _is_of_linux(path):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        return stat(path, *arguments, **options)

    return stating


def _no_links(source, target, target_is_directory=False, *, dir_fd=None):
    raise OSError(errno.EPERM, "A required privilege is not held by the client", target)


def _watch(event, given):
    if _busy[0] or event not in EVENTS:
        return
    _busy[0] = True
    try:
        EVENTS[event](*given)
    finally:
        _busy[0] = False


def _opened(path, mode, flags):
    if _is_of_linux(path):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
    if isinstance(path, (str, os.PathLike)) and flags & os.O_CREAT:
        _named(path)


def _is_of_linux(path):
    return str(path).startswith(("/proc/", "/sys/")) and _caller().startswith(OWN)


def _caller():
    """File of the innermost code that is not Python's own, nor this."""
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        own = file.startswith((STANDARD, "<")) and not file.startswith(SITE)
        if not own and file != __file__:
            return file
        frame = frame.f_back
    return ""


def _named(path, *_):
    if _is_below(path):
        for part in _whole(path).parts[1:]:
            if FORBIDDEN & set(part) or part[-1] in " .":
                message = "The filename, directory name, or volume label syntax is incorrect"
                raise OSError(errno.EINVAL, message, str(path))


def _moved(source, target, *_):
    _named(target)
    _in_use(source)
    _in_use(target)


def _in_use(path, *_):
    if not _is_below(path):
        return
    whole = _whole(path)
    mapped = [line.split(maxsplit=5) for line in Path("/proc/self/maps").read_text().splitlines()]
    used = [own.path for own in psutil.Process().open_files()] + [own[-1] for own in mapped]
    for file in used:
        if Path(file).is_relative_to(whole):
            message = (
                "The process cannot access the file because it is being used by another process"
            )
            raise PermissionError(errno.EACCES, message, str(path))


def _is_below(path):
    return _whole(path).is_relative_to(PLACE)


def _whole(path):
    return Path(os.fsdecode(path)).absolute()


EVENTS = {
    "open": _opened,
    "os.mkdir": _named,
    "os.remove": _in_use,
    "os.rename": _moved,
    "os.rmdir": _in_use,
}
