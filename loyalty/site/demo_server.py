"""What `make demo` runs: PostgreSQL, migrations, static files, the world, a web server and a worker, until Ctrl-C.

It always uses the embedded PostgreSQL: whatever DATABASE_URL names is somebody's data, and no place for a demo.
"""

import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from loyalty.site import embedded_postgres

HOST = "127.0.0.1"
_LOOK_AGAIN = 5  # seconds between two looks at PostgreSQL and the worker
_PATIENCE = 10  # seconds that processes have to end
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Bring everything up, serve until a signal or until a part of it ends, and leave nothing running."""
    port = _free_port()
    os.environ.pop("DATABASE_URL", None)
    os.environ["DJANGO_SETTINGS_MODULE"] = "loyalty.site.settings"
    for number in _ENDINGS:  # SIGINT too: a shell that starts us in the background has it ignored
        signal.signal(number, _interrupt)
    failure: str | None = None
    try:
        _say("Starting PostgreSQL")
        embedded_postgres.ensure_running_unless_configured()
        _prepare()
        failure = _serve(port)
    except KeyboardInterrupt:
        _say("")
    finally:
        for number in _ENDINGS:
            signal.signal(number, signal.SIG_IGN)  # what follows is the cleaning up that a signal asks for
        embedded_postgres.stop()
    if failure:
        sys.exit(failure)
    _say("Stopped. `make demo` continues with the same data.")


def _free_port() -> int:
    """The port to serve on; ends the process with a sentence where it is taken or is none."""
    wish = os.environ.get("TWOFOLD_PORT") or "8000"
    if not wish.isdigit() or not 0 < int(wish) < 65536:
        sys.exit(f"TWOFOLD_PORT is {wish!r}, and a port is a number from 1 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(wish)))
        except OSError as error:
            sys.exit(
                f"Port {wish} cannot be used ({error.strerror}): perhaps the demo runs already. "
                "End what uses it, or choose another port: TWOFOLD_PORT=8001 make demo"
            )
    return int(wish)


def _prepare() -> None:
    """Migrate, collect static files and load the world, each only where something is missing."""
    import django  # only now: Django's settings need the database's folder

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    _migrate()
    _collect_static_files()
    call_command("load_demo")
    connections.close_all()


def _migrate() -> None:
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        _say("Migrating the database")
        call_command("migrate", interactive=False, verbosity=0)


def _collect_static_files() -> None:
    """Collect and compress, unless the very same files have been collected before."""
    from django.conf import settings
    from django.contrib.staticfiles.finders import get_finders
    from django.core.management import call_command

    found = hashlib.sha256()
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda pair: pair[0]):
            status = Path(storage.path(name)).stat()
            found.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    note = Path(settings.STATIC_ROOT) / ".collected"
    if note.exists() and note.read_text() == found.hexdigest():
        return
    _say("Collecting static files")
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    note.write_text(found.hexdigest())


def _serve(port: int) -> str:
    """Run the demo's processes until the web server ends by itself; returns a sentence that says so.

    A worker that ends is started again: what it had begun stands in rows, and is taken up where it was left.
    """
    with _processes() as start:
        web = start(_web(port))
        worker = start(_WORKER)
        while web.poll() is None and not _answers(port):
            time.sleep(0.1)
        if web.poll() is None:
            _say(f"\nTwofold is at http://{HOST}:{port} (Ctrl-C ends it; its data stays in {embedded_postgres.home()})")
            _say(f"E-mails that would have been sent: http://{HOST}:{port}/demo/mail/")
        while web.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                web.wait(_LOOK_AGAIN)
            embedded_postgres.ensure_running_unless_configured()
            if web.returncode is None and worker.poll() is not None:
                _say(f"The worker ended by itself with status {worker.returncode}; it is started again.")
                _kill_group(worker)
                worker = start(_WORKER)
    return f"The web server ended by itself with status {web.returncode}."


def _web(port: int) -> list[str]:
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", HOST, "--port", str(port)]
    return [
        *command,
        "--workers",
        "2",
        "--blocking-threads",
        "4",
        "--log-level",
        "warning",
        "loyalty.site.wsgi:application",
    ]


# One process does the work, a child of it is beat. Root may run it here, without being told off at every start.
_WORKER = [sys.executable, "-W", "ignore::UserWarning", "-m", "celery", "--app", "loyalty.site.celery", "--quiet"]
_WORKER += ["worker", "--pool", "solo", "--beat", "--without-gossip", "--without-mingle", "--without-heartbeat"]
_WORKER += ["--loglevel", "warning"]


@contextlib.contextmanager
def _processes() -> Iterator[Callable[[list[str]], subprocess.Popen[bytes]]]:
    """Start processes apart from the terminal, whose Ctrl-C is for us; end them and their children when we are done."""
    started: list[subprocess.Popen[bytes]] = []

    def start(command: list[str]) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(command, start_new_session=True))  # noqa: S603  the words are ours
        return started[-1]

    try:
        yield start
    finally:
        for process in started:
            process.terminate()
        until = time.monotonic() + _PATIENCE
        for process in started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0, until - time.monotonic()))
            _kill_group(process)
            process.wait()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that does not end, and what one that ended has left behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
