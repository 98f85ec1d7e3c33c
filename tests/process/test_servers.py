"""Servers with several processes, run for real: the programs that the documentation shows."""

from __future__ import annotations

import http.client
import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ._programs import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = ROOT / "docs" / "how-to" / "servers.md"
pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="serves on Unix sockets")

LONG = 30_000_000
"""Adding up to this takes some half a second."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """The page's programs; in a short path, since a socket's must not be long."""
    with tempfile.TemporaryDirectory() as name:
        blocks = re.findall(r'^```python title="(.+?)"\n(.*?)^```$', PAGE.read_text(), re.M | re.S)
        assert len(blocks) == 3
        for title, text in blocks:
            Path(name, title).write_text(text)
        yield Path(name)


class Server:
    """A running server, and what it has said."""

    def __init__(self, folder: Path, module: str, *arguments: str) -> None:
        self.socket = folder / "s"
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"},
                start_new_session=True,
            )

    def get(self, number: int) -> tuple[int, str]:
        connection = http.client.HTTPConnection("localhost", timeout=20)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(20)
        try:
            connection.sock.connect(str(self.socket))
            connection.request("GET", f"/?n={number}")
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def wait_until_up(self) -> None:
        until = time.monotonic() + 20
        while True:
            try:
                self.get(1)
                return
            except (OSError, http.client.HTTPException):
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < until, self.log.read_text()
                threading.Event().wait(0.02)

    def stop_during(self, number: int) -> tuple[int, str]:
        """Send SIGTERM while a request is under way, and return what that got."""
        got: list[tuple[int, str]] = []
        client = threading.Thread(target=lambda: got.append(self.get(number)))
        client.start()
        threading.Event().wait(0.2)  # it is on its way; were it not, it would be refused below
        self.process.send_signal(signal.SIGTERM)
        client.join(20)
        self.process.wait(20)
        return got[0] if got else (0, "no answer")

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def check(server: Server) -> None:
    try:
        server.wait_until_up()
        assert [server.get(n) for n in (1, 4, 100)] == [(200, "1"), (200, "10"), (200, "5050")]
        assert server.stop_during(LONG) == (200, str(LONG * (LONG + 1) // 2))
        said = server.log.read_text()
        assert "Traceback" not in said, said
        assert "Warning" not in said, said
        assert server.process.returncode in (0, -signal.SIGTERM)
    finally:
        server.kill()


@pytest.mark.skipif(importlib.util.find_spec("gunicorn") is None, reason="gunicorn is not there")
@pytest.mark.parametrize("kind", ["sync", "gthread"])
@pytest.mark.parametrize("preload", [False, True], ids=["", "preload"])
def test_gunicorn_serves_and_stops_gracefully(folder: Path, kind: str, preload: bool) -> None:
    options = [f"--worker-class={kind}", "--threads=2"] if kind == "gthread" else []
    options += ["--preload"] if preload else []
    check(Server(folder, "gunicorn", "app:app", f"--bind=unix:{folder}/s", *options))


@pytest.mark.skipif(importlib.util.find_spec("gunicorn") is None, reason="gunicorn is not there")
def test_a_pool_of_the_process_that_forks_is_refused_with_advice(folder: Path) -> None:
    with (folder / "app.py").open("a") as app:
        app.write("\n\nopen_pool()\n")
    (folder / "gunicorn.conf.py").unlink()
    server = Server(folder, "gunicorn", "app:app", f"--bind=unix:{folder}/s", "--preload")
    try:
        server.wait_until_up()
        assert server.get(4)[0] == 500
        assert "did not survive os.fork(); make a pool in the child" in server.log.read_text()
    finally:
        server.process.terminate()
        server.process.wait(20)
        server.kill()


@pytest.mark.skipif(importlib.util.find_spec("uvicorn") is None, reason="uvicorn is not there")
@pytest.mark.parametrize("processes", [1, 2])
def test_uvicorn_serves_and_stops_gracefully(folder: Path, processes: int) -> None:
    check(Server(folder, "uvicorn", "asgi_app:app", f"--uds={folder}/s", f"--workers={processes}"))
