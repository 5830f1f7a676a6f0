"""Secrets: taken from the environment in production, generated once beside the data in the demo."""

import os
import secrets
from pathlib import Path


class WeakSettingError(Exception):
    """A setting is missing or too weak to start with; the message names it and says what to do."""


def secret(name: str, *, folder: Path | None) -> str:
    """Return the secret called `name`.

    `folder` is where a demo keeps what it generated (files of mode 0600); None means production, where a missing or
    short value raises WeakSettingError.
    """
    value = os.environ.get(name, "")
    if not value and folder is not None:
        return _generated(folder / name.lower())
    return _strong(name, value)


def secret_list(name: str, *, folder: Path | None) -> list[str]:
    """Return the secrets called `name`, separated by commas: the first is in use, those after it were before.

    As for `secret`; every single one has to be strong.
    """
    value = os.environ.get(name, "")
    if not value and folder is not None:
        return [_generated(folder / name.lower())]
    return [_strong(name, part.strip()) for part in value.split(",")]


def _strong(name: str, value: str) -> str:
    if len(value) < 50 or len(set(value)) < 5:
        raise WeakSettingError(
            f"{name} is {'too weak' if value else 'not set'}: give it at least 50 random characters, for example from "
            "`python -c 'import secrets; print(secrets.token_urlsafe(50))'`."
        )
    return value


def _generated(path: Path) -> str:
    """The content of `path`, written first by whichever of several starting processes comes first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(50))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()
