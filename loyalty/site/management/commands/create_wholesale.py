"""Create the program that the real invoices are imported into, and logins for its customers."""

import secrets
from argparse import ArgumentParser
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.models import Company, Employee, User
from loyalty.importing import load_profile
from loyalty.models import ActivityType, Metric, Program, Rule, RuleCap, RuleSet, Source, Tier
from loyalty.site.management.commands.import_activities import PROFILES
from rewards.models import Reward, RewardStock, StockMovement

_ZONE = "Europe/London"
_TIERS = (("bronze", "Bronze", 0), ("silver", "Silver", 2_000), ("gold", "Gold", 10_000))
_REWARDS = (
    ("gift-hamper", "Gift hamper", "A hamper of our best-selling gift-ware, delivered to your shop.", 2_500, 500),
    ("display-stand", "Display stand", "A wooden stand for the counter, with a first filling.", 10_000, 100),
)

# Postage, manual lines, discounts, samples, fees, corrections and gift vouchers are no goods.
_NO_GOODS = [
    *("POST", "DOT", "C2", "C3", "M", "m", "D", "S", "B", "ADJUST", "ADJUST2", "BANK CHARGES", "AMAZONFEE", "PADS"),
    *("GIFT", "TEST001", "TEST002"),
]
_GOODS: list[dict[str, Any]] = [
    {"fact": "activity.object", "op": "not_in", "value": _NO_GOODS},
    {"not": {"fact": "activity.object", "op": "starts_with", "value": "gift_"}},
]
_RULES: tuple[dict[str, Any], ...] = (
    {
        "code": "goods",
        "name": "A point for each pound of goods",
        "condition": {"all": _GOODS},
        "formula": {"kind": "per", "points": 1, "step": "1", "of": "activity.amount"},
    },
    {
        "code": "bulk",
        "name": "Bulk bonus",
        "condition": {"all": [*_GOODS, {"fact": "activity.quantity", "op": "gte", "value": 100}]},
        "formula": {"kind": "fixed", "points": 50},
        "cap": 500,
    },
    {
        "code": "gold-extra",
        "name": "Gold members get half as much again",
        "condition": {"all": [*_GOODS, {"fact": "standing.tier", "op": "eq", "value": "gold"}]},
        "formula": {"kind": "per", "points": 1, "step": "2", "of": "activity.amount"},
    },
    {
        "code": "abroad",
        "name": "Thank you for ordering from abroad",
        "condition": {
            "all": [
                *_GOODS,
                {"fact": "company.country", "op": "not_in", "value": ["United Kingdom", "Unspecified"]},
                {"fact": "activity.amount", "op": "gte", "value": 50},
            ]
        },
        "formula": {"kind": "per", "points": 1, "step": "10", "of": "activity.amount"},
    },
)


class Command(BaseCommand):
    """`manage.py create_wholesale [--login CUSTOMER]`."""

    help = "Create the wholesale program that the profile online_retail names; run again, it changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--login", metavar="CUSTOMER", help="also make a login for a customer number")
        parser.add_argument("--password", help="the password of that login (default: one is made up)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create what is missing."""
        if options["password"] and not options["login"]:
            raise CommandError("--password belongs to --login CUSTOMER.")
        with transaction.atomic():
            is_new = _create_program()
        self.stdout.write(f"The program “wholesale” {'was created' if is_new else 'exists'}.")
        if options["login"]:
            with transaction.atomic():
                self.stdout.write(_create_login(options["login"], options["password"]))


def _create_program() -> bool:
    """Create the program and everything it needs; return whether it was missing."""
    profile = load_profile(PROFILES / "online_retail.yaml")
    Source.objects.get_or_create(
        code=profile.source_code, defaults={"name": profile.source_name, "kind": Source.Kind.IMPORT}
    )
    purchase, _created = ActivityType.objects.get_or_create(code="purchase", defaults={"name": "Purchase"})
    program, is_new = Program.objects.get_or_create(
        code=profile.program_code,
        defaults={"name": "Wholesale", "currency": "GBP", "time_zone": _ZONE, "tier_metric": "spend"},
    )
    if is_new:
        Metric.objects.create(
            program=program,
            code="spend",
            name="Spend on goods",
            measure=Metric.Measure.AMOUNT,
            activity_type=purchase,
            condition={"all": _GOODS},
        )
        for rank, (code, name, threshold) in enumerate(_TIERS, start=1):
            Tier.objects.create(program=program, code=code, name=name, rank=rank, threshold=Decimal(threshold))
        _create_rules(program, purchase)
        for code, name, description, price, pieces in _REWARDS:
            reward = Reward.objects.create(
                program=program, code=code, name=name, description=description, price=price, is_published=True
            )
            StockMovement.objects.create(stock=RewardStock.objects.create(reward=reward), pieces=pieces)
    return is_new


def _create_rules(program: Program, purchase: ActivityType) -> None:
    rule_set = RuleSet.objects.create(program=program, version=1)
    for position, document in enumerate(_RULES):
        rule = Rule.objects.create(
            rule_set=rule_set,
            code=document["code"],
            name=document["name"],
            position=position,
            activity_type=purchase,
            condition=document["condition"],
            formula=document["formula"],
            beneficiary=Rule.To.COMPANY,
        )
        if "cap" in document:
            RuleCap.objects.create(
                rule=rule, subject=RuleCap.Subject.COMPANY, period=RuleCap.Per.MONTH, limit=document["cap"]
            )
    rule_set.status = RuleSet.Status.ACTIVE
    rule_set.starts_at = datetime(2009, 1, 1, tzinfo=ZoneInfo(_ZONE))
    rule_set.save()


def _create_login(customer: str, password: str | None) -> str:
    """Make a company admin who can sign in; return a sentence with the address and the password."""
    company = Company.objects.filter(external_id=customer).exclude(external_id="").first()
    if company is None:
        raise CommandError(f"There is no company with the customer number “{customer}”; import its invoices first.")
    email = f"admin@customer-{customer.lower()}.example"
    if User.objects.filter(email__iexact=email).exists():
        return f"{email} exists; its password is not changed."
    user = User(email=email, name=f"Admin of {company.name}"[:150], time_zone=_ZONE)
    chosen = password or secrets.token_urlsafe(12)
    try:
        validate_password(chosen, user)
        user.full_clean(exclude=["password"])
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    user.set_password(chosen)
    user.save()
    Employee.objects.create(
        company=company,
        user=user,
        name=user.name,
        access=Employee.Access.ADMIN,
        buying_role=Employee.BuyingRole.DECIDES,
    )
    return f"{email} signs in for {company.name}; password: {chosen}"
