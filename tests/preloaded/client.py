"""``python`` of the tests: has the server run what it knows, and is a real interpreter otherwise.

Run as ``python -I -S client.py ADDRESS PYTHON SHIM ARGUMENTS``. It imports little: it starts for
every command.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path

KNOWN = ("gemini_monai", "monai.bundle", "tests.", "torch.distributed.run")
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(address, python, shim, *words):
    if not is_known(words):
        os.execv(python, [python, *words])
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        ignored = [number for number in PASSED_ON if signal.getsignal(number) == signal.SIG_IGN]
        request = {"words": words, "python": shim, "folder": str(Path.cwd())}
        content = json.dumps(request | {"environment": dict(os.environ), "ignored": ignored})
        socket.send_fds(server, [len(content).to_bytes(4, "big")], [0, 1, 2])
        server.sendall(content.encode())
        for number in set(PASSED_ON).difference(ignored):
            signal.signal(number, lambda number, _: server.send(bytes([number])))
        code = server.makefile().read()
    leave(int(code) if code else 1)


def is_known(words):
    """Whether these are a module of ours or MONAI's, code, or a script, with no option but -u."""
    first, *more = (words[1:] if words[:1] == ("-u",) else words) or [""]
    if first == "-m":
        return bool(more) and more[0].startswith(KNOWN)
    return bool(more) if first == "-c" else first[:1] not in ("", "-")


def leave(code):
    if code < 0:
        if -code in PASSED_ON:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
