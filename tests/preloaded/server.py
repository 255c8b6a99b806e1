"""A process that has imported what commands need, and becomes each of them by a fork.

Run as ``python server.py LISTENER FOLDER PACKAGE``; ends when its stdin does. ``PACKAGE`` is where
``gemini_monai`` is imported from.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import select
import shutil
import signal
import socket
import sys
import threading
import types
from pathlib import Path

PRELOADED = ("torch._dynamo", "monai.bundle", "gemini_monai", "fire", "itk", "matplotlib.pyplot")
"""What commands import, some of it late: an optimizer's first step imports ``torch._dynamo``."""
OWN_PATH = sys.path[1:]
"""Of an interpreter without ``PYTHONPATH``; before it comes the folder of what is run."""


def preload(package):
    sys.path[0] = package
    for name in PRELOADED:
        importlib.import_module(name)
    rooms = sys.modules["gemini_monai"].__path__
    for module in pkgutil.walk_packages(rooms, "gemini_monai."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    assert threading.active_count() == 1
    gc.freeze()


def serve(listener, folder):
    """Wait for requests; return the request in the process that is to become the command."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            return watch(connection)
        connection.close()
    shutil.rmtree(folder)
    os._exit(0)


def watch(connection):
    """Start the command, pass signals on to it and its exit code back."""
    size, streams, _, _ = socket.recv_fds(connection, 4, 3)
    content = connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    command = os.fork()
    for stream, place in zip(streams, range(3), strict=True):
        if command == 0:
            os.dup2(stream, place)
        os.close(stream)
    if command == 0:
        connection.close()
        return json.loads(content)
    threading.Thread(target=pass_signals, args=(connection, command), daemon=True).start()
    _, status = os.waitpid(command, 0)
    with contextlib.suppress(BrokenPipeError):
        connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def pass_signals(connection, command):
    while number := connection.recv(1):
        os.kill(command, number[0])
    os.kill(command, signal.SIGKILL)  # whoever asked for it is gone


def become(words, *, python, folder, environment, ignored):
    """What an interpreter does before it runs anything; what it runs has the rest of the words."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    sys.modules["numpy"].random.seed()  # else all commands draw the same
    sys.excepthook = show
    sys.executable = python
    added = [path for path in environment.get("PYTHONPATH", "").split(":") if path]
    sys.path[:] = ["", *map(os.path.abspath, added), *OWN_PATH]
    if words[0] == "-u":
        write_at_once()
        del words[0]
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    run(words, main.__dict__)


def write_at_once():
    how = {"encoding": sys.stdout.encoding, "errors": sys.stdout.errors, "write_through": True}
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), **how)


def run(words, names):
    first, *more = words
    if first == "-m":
        sys.argv, sys.path[0] = ["-m", *more[1:]], str(Path.cwd())
        runpy._run_module_as_main(more[0])
    elif first == "-c":
        sys.argv = ["-c", *more[1:]]
        exec(compile(more[0], "<string>", "exec"), names)
    else:
        sys.argv, sys.path[0] = words, str(Path(first).resolve().parent)
        names["__file__"] = str(Path(first).absolute())
        exec(compile(Path(first).read_bytes(), names["__file__"], "exec"), names)


def show(kind, error, trace):
    """A traceback without the frames of this file."""
    while trace and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    sys.__excepthook__(kind, error.with_traceback(trace), trace)


if __name__ == "__main__":
    preload(sys.argv[3])
    request = serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
    become(request.pop("words"), **request)
