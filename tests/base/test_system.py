"""What systems do otherwise; those that this is not are stood in for."""

from __future__ import annotations

import io
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from gemini_monai.base import system
from gemini_monai.base.files import remove_stale_parts, write_text
from gemini_monai.base.system import (
    CGROUPS,
    become,
    cannot_be_written,
    child_environment,
    flush,
    free_memory,
    is_running,
    link_or_copy,
    peak_memory,
    processors,
    replace,
    starts_by_fork,
    tolerate_any_text,
    windows_command_line,
)
from tests.conftest import ROOT

MIB = 2**20


@pytest.fixture
def windows(monkeypatch):
    monkeypatch.setattr(system, "WINDOWS", True)


def test_a_file_is_flushed_by_a_handle_that_may_write(tmp_path, monkeypatch):
    seen, fsync = [], os.fsync

    def flushed(handle):
        os.write(handle, b"X")  # a handle for reading alone refuses, as Windows' flush does
        seen.append(handle)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", flushed)
    (tmp_path / "a").write_bytes(b"abc")
    flush(tmp_path / "a")
    assert len(seen) == 1
    assert (tmp_path / "a").read_bytes() == b"Xbc"


def _refused(times, monkeypatch):
    """Let renaming fail so often; what was waited is returned."""
    waited, rename, tries = [], Path.replace, iter([True] * times + [False] * 99)

    def renamed(self, target):
        if next(tries):
            raise PermissionError(13, "used by another process", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", renamed)
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize("times", [0, 1, 5])
def test_windows_is_asked_again_while_another_program_has_the_file(tmp_path, monkeypatch, times):
    waited = _refused(times, monkeypatch)
    (tmp_path / "a").write_text("new")
    (tmp_path / "b").write_text("old")
    replace(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "new"
    assert waited == list(system.PAUSES[:times])


@pytest.mark.usefixtures("windows")
def test_windows_is_not_asked_for_ever(tmp_path, monkeypatch):
    _refused(6, monkeypatch)
    (tmp_path / "a").write_text("new")
    with pytest.raises(PermissionError, match="used by another process"):
        replace(tmp_path / "a", tmp_path / "b")


def test_elsewhere_a_refusal_is_final(tmp_path, monkeypatch):
    waited = _refused(1, monkeypatch)
    (tmp_path / "a").write_text("new")
    with pytest.raises(PermissionError, match="used by another process"):
        replace(tmp_path / "a", tmp_path / "b")
    assert not waited


NAMES = ("a:b", 'a"b', "a?", "a*b", "a|b", "<a>", "a.", "a ", "CON", "nul", "Aux.nii", "com1.x")


def test_names_that_windows_cannot_write_are_written_elsewhere(tmp_path, windows):
    fine = ("a", "a.b", "console", "com10", "nulls", "patient 1", "Müller", "患者1", "a'b", "x=1")
    assert [name for name in (*NAMES, *fine) if cannot_be_written(name)] == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_posix_writes_them(tmp_path, name):
    assert not cannot_be_written(name)
    (tmp_path / name).write_text("x")


def test_a_process_runs_until_it_ends():
    assert is_running(os.getpid())
    with subprocess.Popen([sys.executable, "-c", ""]) as other:
        other.wait()
    assert not is_running(other.pid)
    assert not is_running(10**30)


def test_no_signal_is_sent_to_ask_whether_a_process_runs(tmp_path, monkeypatch):
    """On Windows signal 0 is Ctrl-C."""
    monkeypatch.delattr(os, "kill")
    monkeypatch.setattr(psutil, "pid_exists", lambda process: process == 7)
    for process in (7, 8):
        (tmp_path / f".part-{process}-a").write_text("")
    remove_stale_parts(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".part-7-a"]


def test_processors_are_those_that_the_process_may_use(monkeypatch):
    own = SimpleNamespace(cpu_affinity=lambda: [0, 3])
    monkeypatch.setattr(psutil, "Process", lambda: own)
    assert processors() == 2
    del own.cpu_affinity  # macOS has none
    assert processors() == os.cpu_count()


def _usage(most):
    return SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda who: SimpleNamespace(ru_maxrss=most))


@pytest.mark.parametrize(("macos", "most"), [(True, 100 * MIB), (False, 100 * 1024)])
def test_the_peak_is_in_bytes_whatever_unit_the_system_has(tmp_path, monkeypatch, macos, most):
    monkeypatch.setattr(system, "STATUS", tmp_path / "none")
    monkeypatch.setattr(system, "MACOS", macos)
    monkeypatch.setitem(sys.modules, "resource", _usage(most))
    assert peak_memory() == 100 * MIB


def test_the_peak_of_windows_is_that_of_psutil(monkeypatch):
    own = SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=1, peak_wset=77 * MIB))
    monkeypatch.setattr(psutil, "Process", lambda: own)
    assert peak_memory() == 77 * MIB


def test_the_peak_is_what_is_held_where_nothing_tells(tmp_path, monkeypatch):
    monkeypatch.setattr(system, "STATUS", tmp_path / "none")
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_memory() == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)


def test_the_peak_of_linux_is_of_this_process_alone(tmp_path, monkeypatch):
    (tmp_path / "status").write_text("VmPeak:\t  9000 kB\nVmHWM:\t  2048 kB\n")
    monkeypatch.setattr(system, "STATUS", tmp_path / "status")
    assert peak_memory() == 2 * MIB


@pytest.mark.parametrize("version", [0, 1])
def test_a_container_leaves_what_its_limit_does(tmp_path, monkeypatch, version):
    limit, used, reclaimable = CGROUPS[version]
    monkeypatch.setattr(system, "CONTAINER", tmp_path)
    there = SimpleNamespace(available=7777)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: there)
    (tmp_path / limit).parent.mkdir(exist_ok=True)
    (tmp_path / limit).write_text("1000\n")
    (tmp_path / used).write_text("900\n")
    (tmp_path / limit).with_name("memory.stat").write_text(f"anon 700\n{reclaimable} 150\nx 9\n")
    assert free_memory() == 250
    there.available = 249
    assert free_memory() == 249
    (tmp_path / used).write_text("1500\n")
    assert free_memory() == 0
    (tmp_path / limit).write_text("max\n")
    assert free_memory() == 249
    (tmp_path / limit).unlink()
    assert free_memory() == 249


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_how_workers_start_is_asked_and_not_fixed(monkeypatch, method):
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: [method])
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda *, allow_none: None)
    assert starts_by_fork() is (method == "fork")
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda *, allow_none: "spawn")
    assert not starts_by_fork()


def test_what_a_started_python_is_told(monkeypatch):
    for name in ("PYTHONUTF8", "PYTORCH_ENABLE_MPS_FALLBACK"):
        monkeypatch.delenv(name, raising=False)
    assert child_environment() == dict(os.environ)
    monkeypatch.setattr(system, "WINDOWS", True)
    monkeypatch.setattr(system, "MACOS", True)
    added = {"PYTHONUTF8": "1", "PYTORCH_ENABLE_MPS_FALLBACK": "1"}
    assert child_environment() == {**os.environ, **added}
    monkeypatch.setenv("PYTORCH_ENABLE_MPS_FALLBACK", "0")
    assert child_environment() == {**os.environ, **added, "PYTORCH_ENABLE_MPS_FALLBACK": "0"}


BECOME = """
import sys
from gemini_monai.base import system
system.WINDOWS = {windows}
system.become(["-c", "import os; print(os.getpid()); raise SystemExit(5)"])
"""


@pytest.mark.parametrize("windows", [False, True])
def test_a_command_becomes_another_or_waits_for_it(windows):
    command = [sys.executable, "-c", BECOME.format(windows=windows)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as started:
        other = int(started.communicate()[0])
    assert started.returncode == 5
    assert (other == started.pid) is not windows


def test_ctrl_c_leaves_windows_child_to_end_by_itself(windows, monkeypatch):
    class Child:
        returncode = None
        waits = 0

        def __init__(self, command, env):
            assert command == [sys.executable, "-m", "x"]

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def poll(self):
            return self.returncode

        def wait(self):
            Child.waits += 1
            if Child.waits == 1:
                raise KeyboardInterrupt
            self.returncode = 130

    monkeypatch.setattr(subprocess, "Popen", Child)
    with pytest.raises(SystemExit) as ended:
        become(["-m", "x"])
    assert ended.value.code == 130
    assert Child.waits == 2


def test_a_command_line_is_quoted_for_the_shells_of_windows():
    words = ["-m", "monai.bundle", "--config_file", "['a b.json','c.json']", "--x", 'say "hi"', ""]
    assert windows_command_line(words) == (
        '-m monai.bundle --config_file "[\'a b.json\',\'c.json\']" --x "say \\"hi\\"" ""'
    )
    assert windows_command_line(["C:/Users/nina/a.json"]) == "C:/Users/nina/a.json"


def test_a_text_that_a_code_page_lacks_is_escaped(monkeypatch):
    monkeypatch.setattr(system, "WINDOWS", True)
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252"))
    with pytest.raises(UnicodeEncodeError):
        print("患者 1")
    tolerate_any_text()
    print("患者 ± 1")
    sys.stdout.flush()
    assert written.getvalue().strip() == b"\\u60a3\\u8005 \xb1 1"


def test_lines_of_text_end_alike_everywhere(tmp_path, monkeypatch):
    write = Path.write_text

    def as_on_windows(self, text, encoding, newline=None):
        return write(self, text, encoding=encoding, newline=newline or "\r\n")

    monkeypatch.setattr(Path, "write_text", as_on_windows)
    write_text(tmp_path / "a", "one\ntwo\n")
    assert (tmp_path / "a").read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize("has_links", [True, False])
def test_a_large_file_has_two_names_or_is_copied(tmp_path, monkeypatch, has_links):
    if not has_links:
        monkeypatch.setattr(os, "link", _no_links)
    (tmp_path / "a").write_text("x")
    link_or_copy(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "x"
    assert (tmp_path / "a").samefile(tmp_path / "b") is has_links


def _no_links(source, target):
    raise OSError(1, "not on this file system", str(target))
