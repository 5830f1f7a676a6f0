"""The canaries themselves: every text of every table carries one, so that the walk cannot miss a leak by omission."""

from itertools import pairwise

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Company, User
from tests.factories.canaries import CanaryWorld, fingerprint
from tests.factories.world import NOW, a_company, a_user

pytestmark = pytest.mark.django_db

TEXTS = (models.CharField, models.TextField, models.JSONField, ArrayField)
WITHOUT_WORDS = {
    "accounts.Approval.kind": "a code of the house",
    "accounts.Import.kind": "a code of the house",
    "accounts.ImportMapping.kind": "a code of the house",
    "accounts.SingleSignOn.sealed_secret": "encrypted",
    "accounts.User.password": "a hash",
    "accounts.User.time_zone": "a word of the IANA database",
    "accounts.WebhookDelivery.object_key": "a code of the house and numbers",
    "accounts.WebhookEvent.kind": "a code of the house",
    "accounts.WebhookEvent.object_key": "a code of the house and numbers",
    "accounts.WebhookSecret.sealed": "encrypted",
    "accounts.WebhookSubscription.kinds": "codes of the house",
    "loyalty.Activity.currency": "a code of ISO 4217",
    "loyalty.Activity.participants": "ids of people",
    "loyalty.Adjustment.said_last_day": "a day, or a word of the house",
    "loyalty.EffectAward.effect": "a code of the house",
    "loyalty.ExchangeRate.currency": "a code of ISO 4217",
    "loyalty.ExchangeRate.into": "a code of ISO 4217",
    "loyalty.HandedOver.currency": "a code of ISO 4217",
    "loyalty.Program.currency": "a code of ISO 4217",
    "loyalty.ProgramPlan.currency": "a code of ISO 4217",
    "loyalty.ProgramReview.currency": "a code of ISO 4217",
    "loyalty.Program.time_zone": "a word of the IANA database",
    "loyalty.RuleSet.asked_fingerprint": "32 digits",
    "loyalty.Tier.fee_currency": "a code of ISO 4217",
    "loyalty.TierPayment.currency": "a code of ISO 4217",
    "loyalty.TierTitle.currency": "a code of ISO 4217",
}
"""Text fields in which no company can write anything of its own."""


def _house_models() -> list[type[models.Model]]:
    return [
        model
        for label in ("accounts", "loyalty", "rewards", "surveys")
        for model in apps.get_app_config(label).get_models()
    ]


def test_every_text_field_of_the_house_carries_the_canary_of_each_company(canary_world: CanaryWorld) -> None:
    silent = [
        f"{model._meta.label}.{field.name} of {side.canary}"
        for model in _house_models()
        for field in model._meta.get_fields()
        if isinstance(field, TEXTS) and not getattr(field, "choices", None)
        if field.name != "history_change_reason"  # never written: reasons stand in the audit trail
        if f"{model._meta.label.removesuffix('History')}.{field.name}" not in WITHOUT_WORDS
        for texts in [" ".join(map(str, model._default_manager.values_list(field.name, flat=True))).lower()]
        for side in (canary_world.a, canary_world.b)
        if side.canary not in texts
    ]

    assert silent == []


@pytest.mark.usefixtures("canary_world")
def test_every_table_of_the_house_has_a_row() -> None:
    assert [model._meta.label for model in _house_models() if not model._default_manager.exists()] == []


def test_fingerprint_marks_the_one_table_in_which_a_row_came_changed_or_went() -> None:
    company, user = a_company(name="Acme"), a_user()
    marks = [fingerprint()]

    Company.objects.filter(pk=company.pk).update(name="Acme Tools")
    marks.append(fingerprint())
    User.objects.filter(pk=user.pk).update(last_login=NOW)
    marks.append(fingerprint())
    Company.objects.filter(pk=company.pk).delete()
    marks.append(fingerprint())
    a_company()
    marks.append(fingerprint())

    changed = [{label for label in after if after[label] != before[label]} for before, after in pairwise(marks)]
    company_tables = {"accounts.Company"}
    assert changed == [company_tables, set(), company_tables, company_tables]
    assert set(marks[0]) == {model._meta.label for model in _house_models()}
