"""The manager's home: what waits, how a program does, what deserves a look."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.groups import MANAGER, ensure_groups
from accounts.models import AccountManagerAssignment, FollowUp, User
from loyalty.by_hand import adjust
from loyalty.ledger import Owner
from loyalty.models import Adjustment, Program, ProgramDay, RuleSet, Tier, TierAssignment, Wallet
from rewards.models import Redemption, SpendingPolicy
from rewards.progress import approve
from rewards.redemption import redeem
from surveys.models import Survey, SurveyVersion
from tests.admin.conftest import Furnished
from tests.admin.scenery import furnish
from tests.factories.canaries import as_actor, user_of
from tests.factories.world import (
    EPOCH,
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_rule_set,
    a_user,
    an_account_manager,
    an_admin,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db

HOME = "/admin/"
MOST_QUERIES = 20


def an_order(program: Program, *, days_ago: int = 0, mode: str = SpendingPolicy.Mode.NEVER) -> Redemption:
    """An order that waits for us, of a company of its own that nothing is missing of."""
    now = timezone.now() - timedelta(days=days_ago)
    company = a_company()
    an_account_manager(company)
    membership = a_member(program, company)
    consent_to(membership)
    person = an_admin(company)
    an_admin(company)
    SpendingPolicy.objects.create(company=company, mode=mode)
    record(a_purchase(company, 500, employee_id=person.pk, occurred_at=now), now=now)
    reward = a_reward(program, price=100)
    redeemed = redeem(
        actor=as_actor(user_of(person)), reward_id=reward.pk, payer=Owner(program.pk, company.pk),
        shown_price=100, key="order", now=now,
    )  # fmt: skip
    return redeemed.redemption


def queues_of(desk: Client) -> dict[str, tuple[int, str]]:
    return {queue.label: (queue.count, queue.age) for queue in desk.get(HOME).context["queues"]}


def notices_of(desk: Client) -> list[str]:
    return [notice.sentence for notice in desk.get(HOME).context["notices"]]


def test_queues_say_how_many_wait_and_since_when(desk: Client, manager: User) -> None:
    program = a_program(adjustment_limit=0)
    a_rule_set(program)
    first = an_order(program, days_ago=3)
    an_order(program, days_ago=1)
    approved = an_order(program, days_ago=5)
    approve(redemption_id=approved.pk, by_user_id=manager.pk, now=timezone.now())
    adjust(
        membership=first.company.memberships.get(), employee=None, points=10, reason_code=Adjustment.Reason.GOODWILL,
        reason="Late", by=manager, now=timezone.now() - timedelta(hours=2),
    )  # fmt: skip
    FollowUp.objects.create(
        company=first.company, text="Send the samples", due_on=timezone.now().date() - timedelta(days=4),
        created_by=manager, created_at=timezone.now(),
    )  # fmt: skip

    queues = {label: (count, age.replace("\N{NO-BREAK SPACE}", " ")) for label, (count, age) in queues_of(desk).items()}

    assert queues == {
        "Orders to approve": (2, "3 days"),
        "Requests for a second person": (1, "2 hours"),
        "Orders to place with partners": (1, "5 days"),
        "Orders to be delivered": (0, ""),
        "Promises past their day": (1, "4 days"),
    }


def test_every_queue_leads_to_as_many_rows(desk: Client, manager: User) -> None:
    program = a_program()
    a_rule_set(program)
    a_rule_set(program, status=RuleSet.Status.DRAFT)
    an_order(program)
    approved = an_order(program)
    approve(redemption_id=approved.pk, by_user_id=manager.pk, now=timezone.now())

    queues = [queue for queue in desk.get(HOME).context["queues"] if queue.url]
    behind = {queue.label: desk.get(queue.url).context["cl"].result_count for queue in queues}

    assert behind == {queue.label: queue.count for queue in queues}
    assert behind["Orders to approve"] == behind["Drafts of rules"] == 1


def test_returns_that_wait_for_what_they_undo_are_a_queue_where_there_are_any(desk: Client) -> None:
    member = a_member(a_program())
    assert "Returns that wait for what they undo" not in queues_of(desk)
    for age, original in ((3, "nothing"), (9, "P-late"), (5, "P-late")):
        at = timezone.now() - timedelta(days=age)
        record(a_purchase(member.company, 4, reverses=original, occurred_at=at), now=at)
    late = a_purchase(member.company, 5, external_id="P-late", occurred_at=timezone.now() - timedelta(days=20))
    record(late, now=timezone.now())

    [queue] = [queue for queue in desk.get(HOME).context["queues"] if queue.label.startswith("Returns")]
    [shown] = desk.get(queue.url).context["cl"].result_list
    refused = desk.get(reverse("admin:loyalty_returnlink_changelist"), {"state": "refused"})

    assert (queue.count, queue.age.replace("\N{NO-BREAK SPACE}", " ")) == (1, "3 days")
    assert shown.activity.reverses_external_id == "nothing"
    assert "refused: more than was left" in refused.content.decode()


def test_orders_that_wait_for_their_company_stand_apart_and_only_where_there_are_any(desk: Client) -> None:
    program = a_program()
    a_rule_set(program)
    an_order(program)
    assert "Orders that their companies are to approve" not in queues_of(desk)
    order = an_order(program, mode=SpendingPolicy.Mode.ALWAYS)

    queues = {queue.label: queue for queue in desk.get(HOME).context["queues"]}

    waiting = queues["Orders that their companies are to approve"]
    assert (waiting.count, queues["Orders to approve"].count) == (1, 1)
    assert [row.pk for row in desk.get(waiting.url).context["cl"].queryset] == [order.pk]


def test_calm_home_says_that_nothing_waits_and_nothing_stands_out(desk: Client) -> None:
    page = desk.get(HOME).content.decode()

    assert "nothing waits" in page
    assert "Nothing stands out today." in page


def test_notices_name_what_is_missing_and_lead_there(desk: Client, manager: User) -> None:
    program = a_program()
    a_member(program)
    a_reward(program, pieces=0)
    a_company(name="Takes part in nothing")
    AccountManagerAssignment.objects.create(company=a_company(), user=a_user(), starts_at=EPOCH)

    a_rule_set(a_program(name="With rules"))

    notices = desk.get(HOME).context["notices"]
    behind = {notice.sentence: desk.get(notice.url).context["cl"].result_count for notice in notices}

    assert behind == {
        "1 running program has no rules in force: nothing is earned there.": 1,
        "1 company has not agreed yet: its people earn nothing.": 1,
        "1 company has no account manager.": 1,
        "1 reward is offered, but none is left.": 1,
        "2 programs have no goals: nobody can say whether they work.": 2,
    }


def test_points_that_expire_soon_are_added_up(desk: Client, manager: User) -> None:
    program = a_program(expiry_months=1)
    a_rule_set(program)
    order = an_order(program, days_ago=5)

    assert "400 points expire within 30 days." in notices_of(desk)
    notice = desk.get(HOME).context["notices"][0]
    assert sum(lot.remaining for lot in desk.get(notice.url).context["cl"].queryset) == 400
    assert order.points == 100


def test_survey_that_closes_soon_is_named_and_a_draft_or_a_later_one_is_not(desk: Client) -> None:
    program, now = a_program(), timezone.now()
    for code, days, status in (("soon", 3, "PUBLISHED"), ("later", 20, "PUBLISHED"), ("draft", 3, "DRAFT")):
        survey = Survey.objects.create(
            program=program,
            code=code,
            name=code,
            opens_at=now - timedelta(days=9),
            closes_at=now + timedelta(days=days),
        )
        published_at = now if status == "PUBLISHED" else None
        SurveyVersion.objects.create(survey=survey, number=1, status=status, published_at=published_at)

    notices = desk.get(HOME).context["notices"]

    assert notices[-1].sentence == "1 survey closes within a week."
    assert [survey.code for survey in desk.get(notices[-1].url).context["cl"].queryset] == ["soon"]


def test_cards_hold_the_last_days_against_those_before(desk: Client, manager: User) -> None:
    program = a_program(point_value=Decimal("0.02"))
    a_rule_set(program)
    today = timezone.now().astimezone(program.zone).date()
    for back, issued, spent, active in ((75, 100, 0, 1), (40, 300, 100, 2)):
        ProgramDay.objects.create(
            program=program, day=today - timedelta(days=back), issued=issued, spent=spent, expired=0,
            outstanding=issued - spent, members=3, active_companies=active, taken_at=timezone.now(),
        )  # fmt: skip
    an_order(program)

    cards = {card.label: (card.value, card.unit, card.change) for card in desk.get(HOME).context["cards"]}

    assert cards == {
        "Active companies": ("1", "of 1", "−1, from 2"),
        "Points issued": ("200", "", "as before"),
        "Redemption rate": ("0.0%", "", "−50.0 points, from 50.0%"),
        "Liability": ("8", "GBP", "+100% against before"),
        "Tier moves": ("0", "", "0 up, 0 down; as before"),
    }


def test_liability_leads_to_the_wallets_that_add_up_to_it(desk: Client) -> None:
    program = a_program(point_value=Decimal("0.02"))
    a_rule_set(program)
    order = an_order(program)
    pending = Wallet.objects.get(company=order.company, employee=None, kind=Wallet.Kind.PENDING)

    card = desk.get(HOME).context["cards"][3]

    behind = desk.get(card.url).context["cl"].queryset
    assert pending in behind
    assert (card.value, sum(wallet.balance for wallet in behind)) == ("8", 400)


def test_tier_moves_count_up_and_down_but_not_the_first_tier(desk: Client, manager: User) -> None:
    program = a_program(tiers={"basic": 0, "silver": 10_000_000, "gold": 20_000_000})
    basic, silver, gold = Tier.objects.filter(program=program).order_by("rank")
    now = timezone.now()
    for number, (before, after) in enumerate([(basic, silver), (basic, gold), (gold, silver)]):
        membership = a_member(program)
        TierAssignment.objects.filter(membership=membership).update(ends_at=now - timedelta(days=60), tier=before)
        TierAssignment.objects.create(
            membership=membership, tier=before, starts_at=now - timedelta(days=60), ends_at=now - timedelta(days=number)
        )
        TierAssignment.objects.create(membership=membership, tier=after, starts_at=now - timedelta(days=number))

    card = desk.get(HOME).context["cards"][4]

    assert (card.value, card.unit, card.change) == ("3", "", "2 up, 1 down; +3, from 0")
    assert desk.get(card.url).context["cl"].result_count == 3


def test_every_card_leads_to_a_list(furnished: Furnished) -> None:
    desk = furnished.desk

    answers = {card.label: desk.get(card.url).status_code for card in desk.get(HOME).context["cards"]}

    assert answers == dict.fromkeys(
        ("Active companies", "Points issued", "Redemption rate", "Liability", "Tier moves"), 200
    )


def test_programs_can_be_switched(desk: Client, manager: User) -> None:
    a_program(name="Alpha", currency="GBP")
    second = a_program(name="Beta", currency="JPY")

    page = desk.get(HOME, {"program": second.code})
    unknown = desk.get(HOME, {"program": "nowhere"})

    assert page.context["program"] == second
    assert [(switch.name, switch.is_current) for switch in page.context["switches"]] == [
        ("Alpha", False),
        ("Beta", True),
    ]
    assert page.context["cards"][3].unit == "JPY"
    assert unknown.context["program"].name == "Alpha"


@pytest.mark.parametrize("is_superuser", [True, False])
def test_home_costs_the_same_with_three_times_the_rows(furnished: Furnished, is_superuser: bool) -> None:
    desk, manager = furnished.desk, furnished.manager
    ensure_groups()
    manager.groups.add(Group.objects.get(name=MANAGER))
    User.objects.filter(pk=manager.pk).update(is_superuser=is_superuser)
    assert len(desk.get(HOME).context["cards"]) == 5

    def queries_of_home() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(HOME).status_code == 200
        return len(queries)

    few = queries_of_home()
    furnish(manager, companies=2)

    assert queries_of_home() == few
    assert few <= MOST_QUERIES


@pytest.mark.parametrize("codename", ["view_redemption", ""])
def test_nobody_is_shown_counts_of_what_they_may_not_look_at(client: Client, codename: str) -> None:
    a_program()
    clerk = a_user(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename=codename))
    client.force_login(clerk)

    context = client.get(HOME).context

    assert {queue.label for queue in context["queues"]} == (
        {"Orders to approve", "Orders to place with partners", "Orders to be delivered"} if codename else set()
    )
    assert list(context["notices"]) == list(context["cards"]) == []


def test_sidebar_goes_by_what_a_manager_does(desk: Client, manager: User) -> None:
    groups = [str(group["name"]) for group in desk.get(HOME).context["app_list"]]

    assert groups == ["Queues", "Program", "Earning", "Rewards", "Voice", "Clients", "Moving in", "System"]
    assert not Group.objects.exists()
    assert reverse("admin:index") == HOME
