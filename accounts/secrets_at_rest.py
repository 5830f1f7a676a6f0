"""Secrets that we have to read again, such as keys that we sign with: encrypted in the database.

Sealed and unsealed by hand, where one is used. A field that did so by itself would hand secrets to every list, export
and history that shows its rows.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

__all__ = ["UnreadableSecretError", "reseal", "seal", "unseal"]


class UnreadableSecretError(Exception):
    """No key of FIELD_KEYS opens what is sealed: the key that sealed it was taken away."""


def seal(secret: str) -> str:
    """Return `secret` encrypted, with the first key of FIELD_KEYS, as text of the URL alphabet."""
    return _box().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Return the secret that `sealed` holds. Raises UnreadableSecretError."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise UnreadableSecretError from error


def reseal(sealed: str) -> str:
    """Return the same secret, sealed with the first key, so that older keys can go. Raises UnreadableSecretError."""
    try:
        return _box().rotate(sealed.encode()).decode()
    except InvalidToken as error:
        raise UnreadableSecretError from error


def _box() -> MultiFernet:
    keys: list[str] = settings.FIELD_KEYS
    digests = (hashlib.blake2b(key.encode(), digest_size=32, person=b"twofold-fields").digest() for key in keys)
    return MultiFernet(Fernet(base64.urlsafe_b64encode(digest)) for digest in digests)
