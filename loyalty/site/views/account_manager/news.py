"""What clients did lately: orders, comments, consents, surveys, tiers, benefits; merged by time, at most a few."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.scope import portfolio
from loyalty.models import Activity, BenefitUse, Consent, ProgramComment, TierAssignment
from rewards.models import Redemption

NEWS_DAYS = 14
MOST_NEWS = 20


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of news: of which company, what, and where on the company's page it belongs."""

    at: datetime
    company_name: str
    what: str
    detail: str
    who: str
    url: str


def news(actor: Actor) -> list[Piece]:
    """Return the latest news of the companies that `actor` looks after; one query for each kind of news."""
    since = actor.at - timedelta(days=NEWS_DAYS)
    kinds = (_orders, _comments, _consents, _tiers, _benefits, _surveys)
    pieces = [piece for kind in kinds for piece in kind(actor, since)]
    return sorted(pieces, key=lambda piece: piece.at, reverse=True)[:MOST_NEWS]


def _place(company_id: int, section: str) -> str:
    return f"{reverse('am-company', args=[company_id])}#{section}"


def _orders(actor: Actor, since: datetime) -> list[Piece]:
    rows = (
        Redemption.objects.visible_to(actor)
        .filter(placed_at__gte=since)
        .select_related("company", "employee", "reward")
        .order_by("-placed_at", "-pk")[:MOST_NEWS]
    )
    return [
        Piece(
            row.placed_at, row.company.name, _("Reward ordered"), row.reward.name, row.employee.name,
            _place(row.company_id, "points"),
        )
        for row in rows
    ]  # fmt: skip


def _comments(actor: Actor, since: datetime) -> list[Piece]:
    rows = (
        ProgramComment.objects.visible_to(actor)
        .filter(created_at__gte=since)
        .select_related("membership__company", "author")
        .order_by("-created_at", "-pk")[:MOST_NEWS]
    )
    return [
        Piece(
            row.created_at, row.membership.company.name, _("Comment on the program"), row.text, row.author.name,
            _place(row.membership.company_id, "timeline"),
        )
        for row in rows
    ]  # fmt: skip


def _consents(actor: Actor, since: datetime) -> list[Piece]:
    """Consents that began, and those that ended without another in their place."""
    replaced = Consent.objects.filter(membership=OuterRef("membership"), starts_at=OuterRef("ends_at"))
    is_given = Q(starts_at__gte=since, starts_at__lte=actor.at)
    is_over = Q(ends_at__gte=since, ends_at__lte=actor.at)
    rows = (
        Consent.objects.visible_to(actor)
        .filter(is_given | is_over)
        .annotate(is_replaced=Exists(replaced.exclude(pk=OuterRef("pk"))))
        .select_related("membership__company", "membership__program", "given_by")
        .order_by("-starts_at", "-pk")[:MOST_NEWS]
    )
    pieces = []
    for row in rows:
        company, program = row.membership.company, row.membership.program.name
        url = _place(company.pk, "plan")
        if since <= row.starts_at <= actor.at:
            pieces.append(Piece(row.starts_at, company.name, _("Consent given"), program, row.given_by.name, url))
        if row.ends_at is not None and since <= row.ends_at <= actor.at and not getattr(row, "is_replaced", False):
            pieces.append(Piece(row.ends_at, company.name, _("Consent withdrawn"), program, "", url))
    return pieces


def _tiers(actor: Actor, since: datetime) -> list[Piece]:
    """Moves only: the tier that a company begins with is none."""
    before = TierAssignment.objects.filter(
        membership=OuterRef("membership"), starts_at__lte=OuterRef("starts_at"), pk__lt=OuterRef("pk")
    ).order_by("-starts_at", "-pk")
    rows = (
        TierAssignment.objects.visible_to(actor)
        .filter(starts_at__gte=since, starts_at__lte=actor.at)
        .exclude(ends_at=F("starts_at"))
        .annotate(rank_before=Subquery(before.values("tier__rank")[:1]))
        .filter(rank_before__isnull=False)
        .select_related("tier", "membership__company")
        .order_by("-starts_at", "-pk")[:MOST_NEWS]
    )
    return [
        Piece(
            row.starts_at,
            row.membership.company.name,
            _("Rose to a higher tier") if row.tier.rank > getattr(row, "rank_before", 0) else _("Fell to a lower tier"),
            row.tier.name,
            "",
            _place(row.membership.company_id, "plan"),
        )
        for row in rows
    ]


def _benefits(actor: Actor, since: datetime) -> list[Piece]:
    rows = (
        BenefitUse.objects.visible_to(actor)
        .filter(used_at__gte=since)
        .select_related("membership__company", "employee", "benefit")
        .order_by("-used_at", "-pk")[:MOST_NEWS]
    )
    return [
        Piece(
            row.used_at, row.membership.company.name, _("Benefit used"),
            " · ".join(filter(None, (row.benefit.name, row.wish))), row.employee.name,
            _place(row.membership.company_id, "plan" if row.follow_up_id is None else "owed"),
        )
        for row in rows
    ]  # fmt: skip


def _surveys(actor: Actor, since: datetime) -> list[Piece]:
    """That somebody answered, never what: answers are not for account managers."""
    sent = Q(survey_response__submitted_at__gte=since, survey_response__company__in=portfolio(actor))
    rows = (
        Activity.objects.visible_to(actor)
        .filter(sent)
        .select_related("company", "employee")
        .annotate(sent_at=F("survey_response__submitted_at"), survey=F("survey_response__survey__name"))
        .order_by("-sent_at", "-pk")[:MOST_NEWS]
    )
    return [
        Piece(
            getattr(row, "sent_at", row.occurred_at), row.company.name, _("Survey answered"),
            getattr(row, "survey", ""), row.employee.name if row.employee else "", _place(row.company_id, "people"),
        )
        for row in rows
    ]  # fmt: skip
