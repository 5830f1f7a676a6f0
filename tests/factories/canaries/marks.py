"""What stands in the rows of canaries, and what tells that any of them is another."""

from functools import cache

from django.apps import apps
from django.db import connection
from django.utils import timezone

from accounts.actors import Actor, actor_of
from accounts.models import Employee, User

INTERNAL = "canary-internal"
"""Stands in what no client ever reads, not even of its own company: internal notes, drafts, what is unpublished."""

POINTS = {"a": 271_828, "b": 314_159}
"""What each company's own activity brings: numbers that stand nowhere else."""


def user_of(employee: Employee) -> User:
    """The login of an employee who has one."""
    assert employee.user is not None
    return employee.user


def as_actor(user: User) -> Actor:
    """The user as of now."""
    return actor_of(User.objects.get(pk=user.pk), now=timezone.now())


def fingerprint() -> dict[str, str]:
    """A mark per table of the house that changes when a row does; that somebody signed in counts for nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_marks_of_all_tables())
        return dict(cursor.fetchall())


@cache
def _marks_of_all_tables() -> str:
    """One question for all tables: several hundred tests ask it twice."""
    marks = []
    for label in ("accounts", "loyalty", "rewards", "surveys"):
        for model in apps.get_app_config(label).get_models():
            fields = ", ".join(f'"{f.column}"' for f in model._meta.concrete_fields if f.attname != "last_login")
            rows = f'SELECT ROW({fields})::text AS words FROM "{model._meta.db_table}"'
            mark = "md5(coalesce(string_agg(words, chr(10) ORDER BY words), ''))"
            marks.append(f"SELECT '{model._meta.label}', {mark} FROM ({rows}) AS rows")
    return " UNION ALL ".join(marks)
