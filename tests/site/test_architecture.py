"""The shape of the house, held by tests: which way relations point, that every table is scoped, what is never there."""

import gc
import os
import re
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.dispatch import Signal  # noqa: TID251 (to see that nobody listens)
from django.utils import timezone

from accounts.actors import Actor
from accounts.history import ConfigurationHistory
from accounts.scope import ScopedQuerySet
from tests.factories.canaries import CanaryWorld, as_actor, user_of

ROOT = Path(settings.BASE_DIR)
FLOORS = ("accounts", "loyalty", "rewards", "surveys")
"""From the ground up; a floor may point at itself and at those before it."""

MODELS = [model for label in FLOORS for model in apps.get_app_config(label).get_models(include_auto_created=True)]
OWN = [model for model in MODELS if not model._meta.auto_created]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
E_MAILS = ROOT / "templates" / "mail"
SHELL = ROOT / "loyalty" / "site"
STRONG_KEY = "kX3v-b7Qm_a9Zt2LwR5yNc8HdJ4fGpS6eUoTiVxWzB1YqMnKlAhCrEs"


def floor_of(model: type[models.Model]) -> int:
    """How high a model stands; Django's own tables lie below everything."""
    label = model._meta.app_label
    return FLOORS.index(label) if label in FLOORS else -1


def test_relations_point_downwards_only() -> None:
    upward = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in MODELS
        for field in (*model._meta.fields, *model._meta.many_to_many)
        if isinstance(field.related_model, type) and floor_of(field.related_model) > floor_of(model)
    ]

    assert upward == []


def test_relations_to_django_s_tables_are_those_of_logins() -> None:
    outside = {
        field.related_model._meta.label
        for model in OWN
        for field in (*model._meta.fields, *model._meta.many_to_many)
        if isinstance(field.related_model, type) and floor_of(field.related_model) < 0
    }

    assert outside == {"auth.Group", "auth.Permission", "allauth_idp_oidc.Client"}


def test_every_table_is_reached_through_its_scope_and_closed_to_nobody() -> None:
    nobody, stranger = Actor(at=timezone.now()), Actor(at=timezone.now(), user_id=1)

    open_ = [
        model._meta.label
        for model in OWN
        for rows in [model._default_manager.all()]
        for actor in (nobody, stranger)
        if not isinstance(rows, ScopedQuerySet) or not rows.visible_to(actor).query.is_empty()
    ]

    assert open_ == []


def test_no_scope_lets_a_company_see_rows_of_another(canary_world: CanaryWorld) -> None:
    of_a, of_b = (
        [as_actor(user_of(side.admin)), as_actor(user_of(side.member)), as_actor(side.account_manager)]
        for side in (canary_world.a, canary_world.b)
    )

    both = {}
    for model in OWN:
        rows = model._default_manager.all()
        assert isinstance(rows, ScopedQuerySet)
        seen_by_a, seen_by_b = (
            {row.pk for actor in actors for row in rows.visible_to(actor)} for actors in (of_a, of_b)
        )
        if seen_by_a & seen_by_b:
            both[model._meta.label] = True

    assert set(both) == {
        # words of the installation
        "accounts.Interest", "accounts.StakeholderRole", "loyalty.ActivityAttribute", "loyalty.ActivityType",
        # the program that both take part in
        "loyalty.Metric", "loyalty.Program", "loyalty.Rule", "loyalty.RuleSet", "loyalty.Tier",
        "rewards.Reward", "rewards.RewardStock",
    }  # fmt: skip


def test_words_of_every_constraint_can_be_said() -> None:
    """Django puts the constraint's name into them with %, so a lone percent sign ends in an error instead."""
    assert all(constraint.get_violation_error_message() for model in OWN for constraint in model._meta.constraints)


def test_no_module_of_ours_listens_to_signals() -> None:
    listening = []
    for signal in (thing for thing in gc.get_objects() if issubclass(type(thing), Signal)):
        for _key, held, *_rest in signal.receivers:
            receiver = held() if isinstance(held, weakref.ref) else held
            if getattr(receiver, "__module__", "").split(".")[0] in FLOORS:
                listening.append(repr(receiver))

    assert listening == []


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    drawers = [
        str(path.relative_to(ROOT))
        for floor in FLOORS
        for path in (ROOT / floor).rglob("*")
        if path.stem in ("utils", "util", "helpers", "helper", "common", "misc", "shared", "tools", "signals")
    ]

    assert drawers == []


def test_tables_that_only_grow_hold_ids_codes_and_numbers() -> None:
    """Law G1: what a person wrote could never be erased there; whoever adds a column here says that it is none."""
    words = (models.CharField, models.TextField, models.JSONField, models.FileField)

    columns = {
        f"{model._meta.label}.{field.name}"
        for model in MODELS
        if any(trigger.name == "append_only" for trigger in getattr(model._meta, "triggers", []))
        for field in model._meta.fields
        if isinstance(field, words) and not field.choices
    }

    assert columns == {
        # codes of ours, and of the source that sent the activity
        "accounts.AuditEntry.action", "accounts.AuditEntry.subject_type", "loyalty.Activity.currency",
        "loyalty.TierPayment.currency",
        # what the books call a payment: letters, digits and . _ / - only
        "loyalty.TierPayment.reference",
        "loyalty.Activity.external_id", "loyalty.Activity.object", "loyalty.Activity.reverses_external_id",
        "loyalty.Award.rule_code", "loyalty.EffectAward.rule_code", "loyalty.EffectAward.effect",
        "loyalty.EffectAward.subject", "loyalty.HandedOver.currency",
        # ids, codes and numbers under declared names
        "accounts.AuditEntry.numbers", "loyalty.Activity.attributes", "loyalty.Activity.participants",
        "loyalty.Evaluation.facts", "loyalty.Evaluation.metrics",
    }  # fmt: skip


def test_every_constraint_and_index_has_a_name_that_says_something() -> None:
    generated = re.compile(r"_[0-9a-f]{6,8}(_\w+)?$|^\d|_uniq$|_check$|_idx$")
    constraints = [(model._meta.label, constraint) for model in MODELS for constraint in model._meta.constraints]
    names = [constraint.name for _label, constraint in constraints]

    assert {type(constraint) for _label, constraint in constraints} <= {
        models.CheckConstraint, models.UniqueConstraint, ExclusionConstraint
    }  # fmt: skip
    assert [name for name in names if generated.search(name) or name.count("_") < 1] == []
    assert [index.name for model in MODELS for index in model._meta.indexes if generated.search(index.name)] == []
    assert [model._meta.label for model in MODELS if not model._meta.auto_created and model._meta.unique_together] == []
    assert len(names) == len(set(names))


def test_no_table_orders_itself() -> None:
    own = [model for model in OWN if not issubclass(model, ConfigurationHistory)]  # the library sorts those

    assert [model._meta.label for model in own if model._meta.ordering] == []


def test_imports_follow_the_contracts() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert checked.returncode == 0, checked.stdout


def test_templates_hold_no_inline_code_or_style() -> None:
    inline = r"<script(?![^>]*\bsrc=)|<style\b|<[a-z][^>]*\s(?:{})=|javascript:|autoescape off"
    page, e_mail = (
        re.compile(inline.format(attributes), re.I)
        for attributes in ("style|on[a-z]+", "on[a-z]+")  # what an e-mail looks like stands in it or nowhere
    )

    found = {
        str(path.relative_to(ROOT)): (e_mail if E_MAILS in path.parents else page).findall(path.read_text())
        for path in TEMPLATES
    }

    assert {path: hits for path, hits in found.items() if hits} == {}


def test_no_template_parts_the_thousands_of_a_row_s_number() -> None:
    """`{{ row.pk }}` is "1,000" for the thousandth row, and no address or form knows that; stringformat:"d" does."""
    number = re.compile(r"\{\{\s*(?!\w*\.?attrs\.)[\w.]+\.(?:pk|id)\s*\}\}")

    found = {str(path.relative_to(ROOT)): number.findall(path.read_text()) for path in TEMPLATES}

    assert {path: hits for path, hits in found.items() if hits} == {}


def test_every_page_extends_a_frame() -> None:
    frames = {"base.html", "error_base.html"}
    pieces = {"includes", "elements", "widgets", "edit_inline", "snippets"}
    of_django = Path(admin.__file__).parent / "templates"  # pieces of the admin that are ours for good reasons

    alone = [
        str(path)
        for path in (template.relative_to(ROOT / "templates") for template in TEMPLATES)
        if not (ROOT / "templates" / path).read_text().lstrip().startswith("{% extends")
        and path.name not in frames
        and ROOT / "templates" / path.parent != E_MAILS
        and not pieces & set(path.parts)
        and not (of_django / path).exists()
    ]

    assert alone == []


def start(code: str = "import loyalty.site.settings", **environment: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of its own, as an installation would; or run other `code` there."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    lawful = {
        "DATABASE_URL": "postgres://twofold@127.0.0.1:1/twofold",
        "ALLOWED_HOSTS": "twofold.example",
        "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
        "SECRET_KEY": STRONG_KEY,
        "FIELD_KEYS": STRONG_KEY,
    }
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT, env={**kept, **lawful, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_whole_settings_start() -> None:
    assert start().returncode == 0


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set: give it at least 50 random characters"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too weak: give it at least 50 random characters"),
        ({"SECRET_KEY": "a" * 80}, "SECRET_KEY is too weak: give it at least 50 random characters"),
        ({"MAIL_HOOK_SECRET": "short"}, "MAIL_HOOK_SECRET is too weak: give it at least 50 random characters"),
        ({"FIELD_KEYS": ""}, "FIELD_KEYS is not set: give it at least 50 random characters"),
        ({"FIELD_KEYS": f"{STRONG_KEY},short"}, "FIELD_KEYS is too weak: give it at least 50 random characters"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is not set: name the hosts"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS is not set: name the hosts"),
        ({"DATABASE_URL": "sqlite:///db.sqlite3"}, "DATABASE_URL must name a PostgreSQL database"),
        ({"DATABASE_URL": "mysql://user@host/name"}, "DATABASE_URL must name a PostgreSQL database"),
        ({"TWOFOLD_TIME_ZONE": "Europe/Atlantis"}, "TWOFOLD_TIME_ZONE must name a time zone"),
        ({"CELERY_BROKER_URL": ""}, "CELERY_BROKER_URL is not set: name the Redis"),
        ({"CELERY_BROKER_URL": "memory://"}, "CELERY_BROKER_URL is not set: name the Redis"),
        ({"CELERY_BROKER_URL": "filesystem://"}, "CELERY_BROKER_URL is not set: name the Redis"),
    ],
)
def test_missing_or_weak_setting_stops_the_start_with_a_sentence(environment: dict[str, str], sentence: str) -> None:
    stopped = start(**environment)

    assert stopped.returncode == 1
    assert stopped.stderr.splitlines()[-1].startswith(f"loyalty.site.keys.WeakSettingError: {sentence}")
