"""A ``python`` that starts at once: what costs seconds to import was imported before.

Each process of pytest has at most one server for each place of the package. What a command sees is
what it would see in an interpreter of its own: arguments, working directory, environment,
``sys.path``, streams, signals, traceback, exit code. Two things differ: ``sys.executable`` is this
``python`` again, and what was imported before neither warns nor fails a second time.

So an interpreter of its own still runs: the README's first command, the wheel's in
``tests/test_bundles.py``, those of ``tests/commands/test_bundle.py``, ``torchrun`` in
``tests/engines``, a training that a signal stops in ``tests/bundles/test_safety.py``, and whatever
asks what an import costs.
"""

from __future__ import annotations

import functools
import os
import shlex
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SHIM = """#!/bin/sh
exec {python} -I -S {client} {address} {python} "$0" "$@"
"""


@functools.cache
def interpreter(package: Path = ROOT) -> str:
    """Path of that ``python``; the first call starts the server, and waits for nothing.

    ``package`` is the folder with ``gemini_monai`` in it: the clone, or the wheel as installed.
    """
    folder = Path(tempfile.mkdtemp(prefix="preloaded_"))
    address, shim = folder / "socket", folder / "python"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen()
        _serve(listener.fileno(), folder, package)
    paths = {"python": sys.executable, "client": HERE / "client.py", "address": address}
    shim.write_text(SHIM.format(**{name: shlex.quote(str(path)) for name, path in paths.items()}))
    shim.chmod(0o755)
    return str(shim)


def _serve(listener, folder, package):
    """A server that ends, and removes the folder, when this process ends."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.Popen(
        [sys.executable, str(HERE / "server.py"), str(listener), str(folder), str(package)],
        env=environment | {"OMP_NUM_THREADS": "1"},  # a fork takes no other thread along
        pass_fds=[listener],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
