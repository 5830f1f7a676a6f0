"""What `make demo` runs: PostgreSQL, migrations, static files, the demo's world, and a web server until Ctrl-C.

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
from collections.abc import Iterator
from pathlib import Path

from loyalty.site import embedded_postgres

HOST = "127.0.0.1"
_LOOK_AGAIN = 5  # seconds between two looks at PostgreSQL
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
    """Run the demo's processes until one of them ends; returns a sentence that says which."""
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", HOST, "--port", str(port)]
    command += ["--workers", "2", "--blocking-threads", "4", "--log-level", "warning", "loyalty.site.wsgi:application"]
    with _running(command) as web:
        while web.poll() is None and not _answers(port):
            time.sleep(0.1)
        if web.poll() is None:
            _say(f"\nTwofold is at http://{HOST}:{port} (Ctrl-C ends it; its data stays in {embedded_postgres.home()})")
        while web.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                web.wait(_LOOK_AGAIN)
            embedded_postgres.ensure_running_unless_configured()
    return f"The web server ended by itself with status {web.returncode}."


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process apart from the terminal, whose Ctrl-C is for us, and end it when we are done."""
    process = subprocess.Popen(command, start_new_session=True)  # noqa: S603  the words are ours
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


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
