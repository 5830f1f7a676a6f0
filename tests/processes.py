"""Processes of an installation that work on the database of the test that starts them."""

import os

from django.db import connection


def environment(**more: str) -> dict[str, str]:
    """Return settings as production has them, on this test's database; `more` overrides them."""
    database = connection.settings_dict
    host, name = str(database["HOST"]), database["NAME"]
    server = f"/{host}" if host.startswith("/") else f"{host or '127.0.0.1'}:{database['PORT'] or 5432}"
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")},
        "DJANGO_SETTINGS_MODULE": "loyalty.site.settings",
        "DATABASE_URL": f"postgres://{database['USER']}@{server}/{name}",
        "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
        "ALLOWED_HOSTS": "testserver",
        "TWOFOLD_HTTPS": "off",
        "SECRET_KEY": "only-for-this-run-abcdefghijklmnopqrstuvwxyz-0123456789",
        "FIELD_KEYS": "only-for-this-run-zyxwvutsrqponmlkjihgfedcba-9876543210",
        **more,
    }
