"""What the vendor knows of a company, kept by whoever looks after it."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.models import Company, CompanyProfile

FIELDS = ("goals", "values", "decision_process", "processes", "problems")


class ProfileChangedError(Exception):
    """Somebody else changed the profile since it was looked at."""


def seal_of(profile: CompanyProfile) -> str:
    """Return a short word that is another one as soon as the profile says something else."""
    words = json.dumps([getattr(profile, name) for name in FIELDS])
    return hashlib.blake2b(words.encode(), digest_size=12).hexdigest()


def change_profile(
    *, company: Company, words: Mapping[str, str], seal_seen: str, by_user_id: int, now: datetime
) -> CompanyProfile:
    """Let the profile of `company` say `words`, one text for each of FIELDS, and put on record who changed it.

    `seal_seen` is the seal of what the editor looked at. Words that change nothing leave no trace. Raises
    ProfileChangedError; then nothing has changed.
    """
    with transaction.atomic():
        Company.objects.select_for_update(no_key=True).get(pk=company.pk)  # the profile may not be there yet
        profile = CompanyProfile.objects.filter(company=company).first() or CompanyProfile(company=company)
        if seal_of(profile) != seal_seen:
            raise ProfileChangedError
        changed = [name for name in FIELDS if getattr(profile, name) != words[name]]
        if not changed:
            return profile
        for name in changed:
            setattr(profile, name, words[name])
        profile.save()
        audit.record(
            "profile-changed", profile, actor_id=by_user_id, now=now, company_id=company.pk, fields=",".join(changed)
        )
    return profile
