"""What pages read of surveys: which are open to somebody, how far they got, and what answering would bring."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Cast, Coalesce, JSONObject
from django.urls import reverse

from accounts.actors import Actor
from accounts.scope import in_force
from loyalty.activities.dated import GivenConsent
from loyalty.earning import Promotion
from loyalty.models import (
    ActivityType,
    Agreement,
    Award,
    Consent,
    Membership,
    PersonalPromotion,
    RuleSet,
    TierAssignment,
    Transaction,
)
from loyalty.replaying import Case, Foreseen, foresee
from surveys.activity import TYPE_CODE
from surveys.audience import Person, is_in_audience, person
from surveys.models import Answer, Item, Response, Survey, SurveyVersion
from surveys.promising import Stand, answering


class Stage(StrEnum):
    """Where somebody stands with a survey."""

    NOT_ASKED = "NOT_ASKED"
    NOT_YET = "NOT_YET"
    OPEN = "OPEN"
    BEGUN = "BEGUN"
    CLOSED = "CLOSED"
    ANSWERED = "ANSWERED"


@dataclass(frozen=True, slots=True)
class OpenSurvey:
    """A survey as somebody meets it; `points` and `company_points` are what answering would bring at this moment.

    `answered` of `steps` questions are behind the person; how many of them are put depends on the answers.
    """

    id: int
    name: str
    introduction: str
    minutes: int | None
    opens_at: datetime
    closes_at: datetime | None
    stage: Stage
    points: int
    company_points: int
    is_limited: bool
    answered: int
    steps: int
    version_id: int | None
    response_id: int | None
    submitted_at: datetime | None
    activity_id: int | None

    @property
    def url(self) -> str:
        """The survey's page, where one starts or goes on."""
        return reverse("survey", args=[self.id])

    @property
    def is_begun(self) -> bool:
        """Whether the person has begun and not yet sent."""
        return self.stage is Stage.BEGUN


@dataclass(frozen=True, slots=True)
class Earned:
    """Points that a sent response brought wallets in the reader's sight, and the transaction that says why."""

    transaction_id: int
    points: int
    company_points: int


def open_surveys_for(actor: Actor) -> list[OpenSurvey]:
    """Return what the actor can answer or go on with, what closes first first.

    Three queries, two where nothing limits what answering brings, one where nothing is open; the rules in force are
    kept in memory.
    """
    if not actor.is_employee:
        return []
    rows = Survey.objects.visible_to(actor).open_at(actor.at).filter(program__is_active=True)
    surveys = _as_met(rows.order_by(F("closes_at").asc(nulls_last=True), "pk"), actor, actor.at)
    return [survey for survey in surveys if survey.stage in (Stage.OPEN, Stage.BEGUN)]


def survey_for(actor: Actor, pk: int, *, at: datetime) -> OpenSurvey | None:
    """Return one survey as the actor meets it at `at`, whatever its stage; None where none is in sight.

    At most three queries.
    """
    surveys = _as_met(Survey.objects.visible_to(actor).filter(pk=pk), actor, at)
    return surveys[0] if surveys else None


def answered_by(actor: Actor) -> QuerySet[Response]:
    """Return the actor's own sent responses, latest first."""
    own = Response.objects.visible_to(actor).filter(employee=actor.employee_id, submitted_at__isnull=False)
    return own.select_related("survey").order_by("-submitted_at", "-pk")


def earned_with(activity_id: int, actor: Actor) -> list[Earned]:
    """Return what the activity of a response brought, a program; two queries."""
    points: dict[int, list[int]] = {}
    for program_id, employee_id, granted in (
        Award.objects.visible_to(actor)
        .filter(activity=activity_id)
        .values_list("program", "wallet__employee", "granted")
    ):
        own_and_company = points.setdefault(program_id, [0, 0])
        own_and_company[employee_id is None] += granted
    transactions = Transaction.objects.visible_to(actor).filter(activity=activity_id).order_by("pk")
    return [
        Earned(transaction.pk, *points[transaction.program_id])
        for transaction in transactions
        if transaction.program_id in points
    ]


def _as_met(surveys: QuerySet[Survey], actor: Actor, at: datetime) -> list[OpenSurvey]:
    rows = list(_with_stand(surveys, actor, at))
    one = person(actor.employee_id, at=at) if rows else Person(0, {})
    stages = [_stage(row, one, at) for row in rows]
    cases = {
        row.pk: case
        for row, stage in zip(rows, stages, strict=True)
        if stage in (Stage.OPEN, Stage.BEGUN, Stage.NOT_YET) and (case := _case(row, one, actor, at))
    }
    brings = dict(zip(cases, foresee(list(cases.values()), now=at), strict=True))
    return [_met(row, stage, brings.get(row.pk, Foreseen())) for row, stage in zip(rows, stages, strict=True)]


def _case(row: Any, one: Person, actor: Actor, at: datetime) -> Case | None:
    """A response to the survey by the actor; None where the company is no member, or no rules hold."""
    if row.membership_id is None or actor.company_id is None:
        return None
    consent = None
    if row.consent_roles is not None:
        is_for_company = row.unearned == Consent.Unearned.COMPANY
        consent = GivenConsent(at, None, frozenset(row.consent_roles), row.monthly_limit, is_for_company)
    return answering(
        rule_set_id=row.rule_set_id,
        type_id=row.type_id,
        program=row.program,
        code=row.code,
        employee_id=one.employee_id,
        person=one.values,
        stand=Stand(
            row.membership_id,
            actor.company_id,
            consent,
            row.tier,
            row.tier_rank,
            agreement_id=row.agreement_id,
            promotions=[
                Promotion(each["id"], Decimal(each["factor"]), frozenset(each["codes"]), each["person"], each["budget"])
                for each in row.promotions
            ],
            has_one_wallet=bool(row.has_one_wallet),
        ),
        at=at,
    )


def _met(row: Any, stage: Stage, brings: Foreseen) -> OpenSurvey:
    return OpenSurvey(
        id=row.pk,
        name=row.name,
        introduction=row.introduction,
        minutes=row.minutes,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        stage=stage,
        points=brings.points,
        company_points=brings.company_points,
        is_limited=brings.is_limited,
        answered=row.answered,
        steps=row.steps,
        version_id=row.version_id,
        response_id=row.response_id,
        submitted_at=row.submitted_at,
        activity_id=row.activity_id,
    )


def _stage(row: Any, one: Person, at: datetime) -> Stage:
    """What was sent stays sent and what was begun goes on, whoever is asked by now; all else is judged afresh."""
    if row.submitted_at is not None:
        return Stage.ANSWERED
    is_asked = row.response_id is not None or (row.is_member and is_in_audience(row.audience, one.values))
    if not is_asked:
        return Stage.NOT_ASKED
    if row.is_closed_at(at) or row.version_id is None:
        return Stage.CLOSED
    if not row.is_open_at(at):
        return Stage.NOT_YET
    return Stage.OPEN if row.response_id is None else Stage.BEGUN


def _with_stand(surveys: QuerySet[Survey], actor: Actor, at: datetime) -> Iterable[Any]:
    """Bring in one query the published version, the actor's response, and where the company stands in the program."""
    program = OuterRef("program")
    members = Membership.objects.in_force(at).filter(company=actor.company_id)
    membership = members.filter(program=OuterRef(program))
    consents = Consent.objects.in_force(at).filter(membership__in=membership)
    tiers = TierAssignment.objects.in_force(at).filter(membership__in=membership)
    rule_sets = RuleSet.objects.filter(in_force(at), program=program).exclude(status=RuleSet.Status.DRAFT)
    agreements = Agreement.objects.filter(in_force(at), membership__in=membership, status__in=Agreement.APPROVED)
    promotions = PersonalPromotion.objects.filter(
        in_force(at),
        Q(employee=None) | Q(employee=actor.employee_id),
        membership__in=membership,
        state=PersonalPromotion.State.APPROVED,
    )
    promotion = {"id": "pk", "codes": "rule_codes", "person": "employee", "budget": "budget"}
    published = SurveyVersion.objects.filter(survey=OuterRef("pk"), status=SurveyVersion.Status.PUBLISHED)
    mine = Response.objects.filter(survey=OuterRef("pk"), employee=actor.employee_id)
    return surveys.select_related("program").annotate(
        is_member=Exists(members.filter(program=program)),
        consent_roles=Subquery(consents.values("roles")[:1]),
        monthly_limit=Subquery(consents.values("monthly_limit")[:1]),
        unearned=Subquery(consents.values("unearned")[:1]),
        membership_id=Subquery(members.filter(program=program).values("pk")[:1]),
        has_one_wallet=Subquery(members.filter(program=program).values("has_one_wallet")[:1]),
        tier=Subquery(tiers.values("tier__code")[:1]),
        tier_rank=Subquery(tiers.values("tier__rank")[:1]),
        rule_set_id=Subquery(rule_sets.order_by("-starts_at").values("pk")[:1]),
        agreement_id=Subquery(agreements.values("pk")[:1]),
        promotions=ArraySubquery(
            promotions.order_by("pk").values(json=JSONObject(**promotion, factor=Cast("factor", CharField())))
        ),
        type_id=Subquery(ActivityType.objects.filter(code=TYPE_CODE).values("pk")[:1]),
        response_id=Subquery(mine.values("pk")[:1]),
        submitted_at=Subquery(mine.values("submitted_at")[:1]),
        activity_id=Subquery(mine.values("activity")[:1]),
        version_id=Coalesce(
            Subquery(mine.values("version")[:1]), Subquery(published.values("pk")[:1]), output_field=BigIntegerField()
        ),
        steps=_count(Item.objects.filter(version=OuterRef("version_id")).values("version")),
        answered=_count(Answer.objects.filter(response=OuterRef("response_id")).values("response")),
    )


def _count(grouped: QuerySet[Any, Any]) -> Coalesce:
    counted = grouped.order_by().annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted), 0)
