"""A connection between requests: asked whether it works where it lay idle, looked at otherwise, not used when gone."""

import select
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import close_old_connections, connection
from django.test import RequestFactory

from loyalty.site.postgresql.base import JUST_NOW, DatabaseWrapper
from tests.factories.callers import a_caller

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _kept_between_requests() -> Iterator[None]:
    """As in production; tests close theirs."""
    kept = connection.settings_dict["CONN_MAX_AGE"]
    connection.close()
    connection.settings_dict["CONN_MAX_AGE"] = 600
    yield
    connection.settings_dict["CONN_MAX_AGE"] = kept
    connection.close()


@pytest.fixture
def server() -> Iterator[psycopg.Connection[Any]]:
    """Somebody else at the same server."""
    parameters = connection.get_connection_params()
    with psycopg.connect(**{**parameters, "cursor_factory": psycopg.Cursor}, autocommit=True) as bare:
        yield bare


@pytest.fixture
def ask() -> Callable[[], tuple[int, int]]:
    """A request by way of WSGI, as from another system: its status, and the server's process that is left (0: none)."""
    caller, handler = a_caller(), WSGIHandler()

    def answered() -> tuple[int, int]:
        request = RequestFactory().get("/api/v1/activities/", headers={"Authorization": f"Bearer {caller.token}"})
        answer = handler(request.environ, lambda *_head: lambda _chunk: None)
        answer.close()
        return answer.status_code, connection.connection.info.backend_pid if connection.connection else 0

    return answered


def let_it_lie() -> None:
    """As if the connection had not been used for a while."""
    connection.used_at -= JUST_NOW  # type: ignore[attr-defined]  # ours has it


@pytest.mark.parametrize("lies_idle", [False, True])
def test_whoever_comes_after_the_server_ended_the_connection_gets_a_new_one(
    lies_idle: bool, ask: Callable[[], tuple[int, int]], server: psycopg.Connection[Any]
) -> None:
    [(status, process), again] = [ask(), ask()]
    assert (status, again) == (200, (200, process))

    server.execute("SELECT pg_terminate_backend(%s, 5000)", [process])
    if lies_idle:
        let_it_lie()
    status, new_process = ask()

    assert status == 200
    assert new_process != process


def test_without_looking_the_next_caller_would_get_an_error(
    ask: Callable[[], tuple[int, int]], server: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DatabaseWrapper, "_is_silent", lambda _connection: True)
    _status, process = ask()

    server.execute("SELECT pg_terminate_backend(%s, 5000)", [process])

    assert ask()[0] == 500


def test_server_is_asked_only_where_the_connection_lay_idle(server: psycopg.Connection[Any]) -> None:
    def last_statement() -> str:
        found = server.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [process]).fetchone()
        assert found is not None
        return str(found[0])

    close_old_connections()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 7")
        process = connection.connection.info.backend_pid

    close_old_connections()
    connection.close_if_health_check_failed()
    assert last_statement() == "SELECT 7"

    close_old_connections()
    let_it_lie()
    connection.close_if_health_check_failed()
    assert last_statement() == "SELECT 1"


def test_connection_on_which_something_came_unasked_is_asked(server: psycopg.Connection[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("LISTEN something")
        process = connection.connection.info.backend_pid
    close_old_connections()
    server.execute("NOTIFY something")
    select.select([connection.connection.fileno()], [], [], 20)

    connection.close_if_health_check_failed()

    assert connection.connection.info.backend_pid == process
    found = server.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [process]).fetchone()
    assert found == ("SELECT 1",)
