"""Secrets at rest: encrypted, readable with every key in force, and unreadable without."""

import pytest
from pytest_django import Settings

from accounts.secrets_at_rest import UnreadableSecretError, reseal, seal, unseal

OLD, NEW = "old" * 20, "new" * 20


def test_a_sealed_secret_does_not_show_and_comes_back(settings: Settings) -> None:
    settings.FIELD_KEYS = [OLD]

    sealed = seal("whsec_ключ")

    assert "whsec" not in sealed
    assert seal("whsec_ключ") != sealed
    assert unseal(sealed) == "whsec_ключ"


def test_a_new_key_takes_over_without_losing_what_the_old_one_sealed(settings: Settings) -> None:
    settings.FIELD_KEYS = [OLD]
    sealed = seal("secret")

    settings.FIELD_KEYS = [NEW, OLD]
    assert unseal(sealed) == "secret"
    again = reseal(sealed)

    settings.FIELD_KEYS = [NEW]
    assert unseal(again) == "secret"
    with pytest.raises(UnreadableSecretError):
        unseal(sealed)


def test_what_was_not_sealed_here_or_was_changed_is_refused() -> None:
    sealed = seal("secret")
    middle = len(sealed) // 2
    changed = sealed[:middle] + ("B" if sealed[middle] == "A" else "A") + sealed[middle + 1 :]

    for odd in ("", "secret", "gAAAAA", sealed[:-4], changed):
        with pytest.raises(UnreadableSecretError):
            unseal(odd)
        with pytest.raises(UnreadableSecretError):
            reseal(odd)
