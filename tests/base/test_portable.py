"""What not every system has, or means the same by, is used in one file alone."""

from __future__ import annotations

import ast
import re
import subprocess

import pytest

from tests.conftest import ROOT

OWN = ROOT / "gemini_monai" / "base" / "system.py"
MODULES = set(
    """
    _winapi crypt curses fcntl grp msvcrt nis nt posix psutil pty pwd readline resource select spwd
    syslog termios tty winreg winsound
    """.split()
)
OF_OS = set(
    """
    abort chmod chown chroot confstr ctermid execl execle execlp execlpe execv execve execvp execvpe
    fchdir fchmod fchown fdatasync fork forkpty fpathconf fstatvfs fsync getegid geteuid getgid
    getgrouplist getgroups getloadavg getpgid getpgrp getpriority getresgid getresuid getsid getuid
    initgroups kill killpg lchmod lchown link lockf major minor mkfifo mknod name nice openpty
    pathconf pidfd_open pipe2 plock popen posix_fadvise posix_fallocate posix_spawn posix_spawnp
    pread preadv pwrite pwritev readlink register_at_fork rename renames replace sched_getaffinity
    sched_setaffinity sched_yield sendfile setegid seteuid setgid setgroups setpgid setpgrp
    setpriority setregid setreuid setsid setuid spawnl spawnv startfile statvfs symlink sync sysconf
    system tcgetpgrp tcsetpgrp ttyname umask uname wait wait3 wait4 waitid waitpid
    """.split()
)
OF_PATH = {"chmod", "group", "hardlink_to", "lchmod", "owner", "readlink", "rename", "symlink_to"}
OF_SUBPROCESS = set(
    """
    creationflags group pass_fds preexec_fn process_group shell start_new_session umask user
    """.split()
)
ASKING = {("sys", "platform"), ("os", "name"), ("platform", "system"), ("platform", "uname")}
SIGNALS = {"SIGINT", "SIGTERM", "SIG_DFL", "SIG_IGN"}
PLACES = ("/proc", "/sys/", "/dev/", "/tmp", "/etc/", "/var/", "/usr/")


def offences(source):
    """Line and name of all that stands in one file alone."""
    nodes = [*ast.walk(ast.parse(source))]
    texts = [
        n.value for n in nodes if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)
    ]
    return sorted((n.lineno, name) for n in nodes if n not in texts for name in _of(n))


def _of(node):
    if isinstance(node, ast.Import):
        yield from (own.name for own in node.names if own.name.split(".")[0] in MODULES)
    elif isinstance(node, ast.ImportFrom):
        yield from _of_import(node)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield from _of_module(node.value.id, node.attr)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.Constant) and str(node.value).startswith(PLACES):
        yield str(node.value)


def _of_import(node):
    module = (node.module or "").split(".")[0]
    if module in MODULES:
        yield module
    for own in node.names:
        yield from _of_module(module, own.name)


def _of_module(module, name):
    asks = (module, name) in ASKING
    other_signal = module == "signal" and name.startswith("SIG") and name not in SIGNALS
    if asks or other_signal or (module == "os" and name in OF_OS):
        yield f"{module}.{name}"


def _of_call(node):
    is_method = isinstance(node.func, ast.Attribute)
    called = node.func.attr if is_method else getattr(node.func, "id", "")
    given = {own.arg for own in node.keywords}
    texts = [own.value for own in node.args if isinstance(own, ast.Constant)]
    if is_method and called in OF_PATH:
        yield f".{called}()"
    if is_method and called == "replace" and len(node.args) == 1:
        yield ".replace()"  # of a path; that of a text has two arguments
    if called in ("import_module", "__import__"):
        yield from (name for name in texts if name in MODULES)
    if called in ("hasattr", "getattr", "delattr") and isinstance(node.args[0], ast.Name):
        yield from _of_module(node.args[0].id, str(texts[0]) if texts else "")
    if called in ("run", "Popen", "call", "check_call", "check_output"):
        yield from sorted(given & OF_SUBPROCESS)
    if "encoding" not in given and _opens_text(node, called, is_method, given):
        yield f"{called}() without an encoding"


def _opens_text(node, called, is_method, given):
    """Windows would take its code page for what others take for UTF-8."""
    if is_method and called in ("read_text", "write_text"):
        return True
    if {"text", "universal_newlines"} & given:
        return True
    if called != "open":
        return False
    modes = [*node.args[not is_method :], *(k.value for k in node.keywords if k.arg == "mode")]
    known = [own.value for own in modes[:1] if isinstance(own, ast.Constant)]
    return not (node.args or given) or bool(known and re.fullmatch("[rwaxt+]+", str(known[0])))


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import resource", "resource"),
        ("def f():\n    import fcntl as locks", "fcntl"),
        ("from pwd import getpwuid", "pwd"),
        ("from os import fork", "os.fork"),
        ("import os\nos.kill(7, 0)", "os.kill"),
        ("import os\nos.sched_getaffinity(0)", "os.sched_getaffinity"),
        ("if hasattr(os, 'sysconf'): pass", "os.sysconf"),
        ("import sys\nsys.platform", "sys.platform"),
        ("signal.signal(signal.SIGHUP, f)", "signal.SIGHUP"),
        ("part.replace(path)", ".replace()"),
        ("folder.rename(other)", ".rename()"),
        ("path.symlink_to(other)", ".symlink_to()"),
        ("import_module('resource')", "resource"),
        ("Path('/proc/self/status')", "/proc/self/status"),
        ("subprocess.run(words, start_new_session=True)", "start_new_session"),
        ("path.read_text()", "read_text() without an encoding"),
        ("path.write_text(text, newline='')", "write_text() without an encoding"),
        ("path.open('w')", "open() without an encoding"),
        ("path.open()", "open() without an encoding"),
        ("open(path, 'r')", "open() without an encoding"),
        ("subprocess.run(words, text=True)", "run() without an encoding"),
    ],
)
def test_each_kind_of_it_is_found(source, name):
    assert [found for _, found in offences(source)] == [name]


def test_what_every_system_has_is_not_found():
    source = '"""Of /proc, in words: os.fork."""\nimport os, signal\nos.getpid(); signal.SIGTERM'
    assert not offences(source + '\nos.path.join("a", "b"); "a".replace("a", "b"); read_text(path)')
    assert not offences("path.open('rb'); Image.open(path); open(path, mode='wb')")


def test_no_other_file_has_any_of_it():
    parts = [ROOT / name for name in ("gemini_monai", "benchmarks", "examples", "bundles")]
    files = [path for part in parts for path in part.rglob("*.py") if path != OWN]
    assert len(files) > 400
    found = {
        str(path.relative_to(ROOT)): own
        for path in files
        if (own := offences(path.read_text(encoding="utf-8")))
    }
    assert not found
    assert offences(OWN.read_text(encoding="utf-8"))


def test_every_file_of_the_repository_can_be_checked_out_on_every_system():
    listed = subprocess.run(
        ["git", "ls-files", "-sz"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")[:-1]
    rows = [row.partition("\t") for row in listed]
    assert not [name for mode, _, name in rows if mode.startswith("120000")], "links"
    names = [name for _, _, name in rows]
    assert not [name for name in names if set(name) & set('<>:"|?*\\') or max(map(ord, name)) > 126]
    assert len({name.casefold() for name in names}) == len(names)
    assert max(map(len, names)) < 150  # Windows has 260 by default, for the whole path
