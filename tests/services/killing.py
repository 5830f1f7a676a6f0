"""An installation of its own that is killed piece by piece (PostgreSQL, Redis, web, worker), and ways to use it."""

import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loyalty.site import embedded_postgres

CHECKOUT = Path(__file__).resolve().parents[2]
REDIS = shutil.which("redis-server")
PATIENCE = 90.0
"""Seconds after which something that should have come back counts as lost."""


def a_free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass
class Part:
    """A process that is started, killed with all of its children, and started again."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it in a group of its own."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=CHECKOUT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End the process and its children at once."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            self.process.wait()


@dataclass
class Installation:
    """All of it, in a folder of its own, on loopback alone."""

    folder: Path
    port: int = field(default_factory=a_free_port)
    redis_port: int = field(default_factory=a_free_port)
    parts: dict[str, Part] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The settings of an installation."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return kept | self._settings

    def build(self) -> dict[str, Any]:
        """Start PostgreSQL, migrate, make a world, and start the rest; return what the world is called by."""
        self._settings = {
            "DATABASE_URL": self._database(),
            "CELERY_BROKER_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "FIELD_KEYS": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": "127.0.0.1",
            "EMAIL_URL": "dummymail://",
            "TWOFOLD_HTTPS": "off",
        }
        self._run("manage.py", "migrate", "-v0")
        self._run("manage.py", "set_up")
        self._run("manage.py", "collectstatic", "--noinput", "-v0")
        world: dict[str, Any] = json.loads(self._run("-m", "tests.services.killing_world").splitlines()[-1])
        programs = Path(sys.executable).parent
        web = [str(programs / "granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port)]
        web += ["--workers", "2", "--blocking-threads", "8", "--log-level", "warning", "loyalty.site.wsgi:application"]
        celery = [str(programs / "celery"), "--app", "loyalty.site.celery"]
        worker = [*celery, "worker", "--concurrency", "1", "--beat", "--loglevel", "warning"]
        redis = [str(REDIS), "--bind", "127.0.0.1", "--port", str(self.redis_port), "--save", "", "--appendonly", "no"]
        for name, command in (("broker", redis), ("web", web), ("worker", worker)):
            self.parts[name] = Part(name, command, self.environment, self.folder / f"{name}.log")
            self.parts[name].start()
        wait_until(self.is_ready, PATIENCE)
        return world

    def kill_and_restart(self, name: str) -> float:
        """Kill a part with SIGKILL, start it again; return the seconds until all of it could work again."""
        began = time.monotonic()
        if name == "database":
            pid = int((self._home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGKILL)
            embedded_postgres.ensure_running(self._home)
        else:
            self.parts[name].kill()
            self.parts[name].start()
        wait_until(self.is_ready, PATIENCE)
        return time.monotonic() - began

    def stop(self) -> None:
        """End everything."""
        for part in self.parts.values():
            part.kill()
        embedded_postgres.stop(self._home)

    def run(self, script: str) -> str:
        """Run a script of ours inside the installation; return what it printed."""
        return self._run("manage.py", "shell", "-v0", "-c", script)

    def is_ready(self) -> bool:
        """Whether everything answers."""
        status, body = ask(self.port, "GET", "/readyz")
        return status == 200 and json.loads(body)["checks"]["broker"]["state"] == "ready"

    @property
    def _home(self) -> Path:
        return self.folder / "home"

    def _database(self) -> str:
        embedded_postgres.ensure_running(self._home)
        return embedded_postgres.database_url(self._home)

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", *words],
            cwd=CHECKOUT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout


def ask(
    port: int, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """Send one request; (0, b"") where nobody answers, or the line breaks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def wait_until(happens: Callable[[], bool], seconds: float) -> None:
    """Look again until it happens."""
    ends = time.monotonic() + seconds
    pause = threading.Event()
    while not happens():
        assert time.monotonic() < ends, "it did not come back"
        pause.wait(0.05)


def insist(port: int, path: str, body: object, headers: dict[str, str], accepted: Callable[[int, Any], bool]) -> int:
    """Repeat a request, the same each time, until its answer is accepted; return how often it was sent."""
    ends, sent = time.monotonic() + PATIENCE, 0
    status, content = 0, b""
    pause = threading.Event()
    while time.monotonic() < ends:
        sent += 1
        status, content = ask(port, "POST", path, body, headers)
        if status and accepted(status, json.loads(content) if content[:1] == b"{" else None):
            return sent
        pause.wait(0.05)
    raise AssertionError(f"{path} was never answered as it should be; the last answer was {status}: {content[:500]!r}")
