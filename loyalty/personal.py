"""What the engine holds of a person: activities, points, benefits, and words that go with them."""

from collections.abc import Iterable

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import arrays, subjects
from accounts.models import Employee, FollowUp
from accounts.subjects import ERASED, Part, Row
from loyalty.models import (
    Activity,
    Adjustment,
    BadgeHolding,
    BenefitGrant,
    BenefitUse,
    Extension,
    MetricPerson,
    PersonalPromotion,
    ProgramComment,
    TierTitle,
    Transfer,
    Wallet,
)

_BOOKS = _("Under the number that takes the place of your name: points are kept like money.")


def register() -> None:
    """Make the parts known."""
    subjects.register(
        Part("activities", _("What you did"), _activities, _keep, _BOOKS),
        Part("points", _("Your points"), _points, _erase_reasons_of_points, _BOOKS),
        Part(
            "titles",
            _("Tiers that you decided about, and where you were counted"),
            _titles,
            _erase_words_of_titles,
            _BOOKS,
        ),
        Part("benefits", _("Your benefits and badges"), _benefits, _erase_words_of_benefits, _BOOKS),
        Part("comments", _("Your comments on programs"), _comments, _erase_comments),
    )


def _activities(employee: Employee) -> Iterable[Row]:
    mine = Q(employee=employee) | Q(participants__contains=[employee.pk])
    rows = Activity.objects.filter(mine, company=employee.company_id).select_related("type", "source")
    for row in rows.order_by("pk").iterator():
        yield {
            "at": row.occurred_at,
            "what": row.type.name,
            "source": row.source.name,
            "number": row.external_id,
            "object": row.object,
            "quantity": row.quantity,
            "amount": row.amount,
            "currency": row.currency,
            "attributes": row.attributes,
        }


def _keep(employee: Employee) -> None:
    """Append-only rows of ids, codes and numbers (laws L3 and G1)."""


def _points(employee: Employee) -> Iterable[Row]:
    """Every posting into and out of the person's wallets, with the act behind it."""
    rows = arrays.fetch(
        """SELECT p.created_at, p.effective_at, g.name, t.kind, w.kind,
                  CASE WHEN p.credit_wallet_id = w.id THEN p.points ELSE -p.points END,
                  coalesce(a.reason, x.reason)
           FROM loyalty_wallet w
           JOIN loyalty_posting p ON w.id IN (p.debit_wallet_id, p.credit_wallet_id)
           JOIN loyalty_transaction t ON t.id = p.transaction_id
           JOIN loyalty_program g ON g.id = w.program_id
           LEFT JOIN loyalty_adjustment a ON a.transaction_id = t.id
           LEFT JOIN loyalty_transfer x ON x.transaction_id = t.id
           WHERE w.employee_id = %s ORDER BY p.id""",
        employee.pk,
    )
    kinds = dict(Wallet.Kind.choices)
    for written_at, counts_from, program, act, kind, points, reason in rows:
        yield {
            "written_at": written_at,
            "counts_from": counts_from,
            "program": program,
            "act": act,
            "wallet": str(kinds.get(kind, kind)),
            "points": points,
            "reason": reason or "",
        }
    for given in Extension.objects.filter(employee=employee).select_related("membership__program").order_by("pk"):
        yield {
            "written_at": given.asked_at,
            "program": given.membership.program.name,
            "act": Extension._meta.verbose_name,
            "points": given.points,
            "last_day": given.to,
            "reason": given.reason,
        }

    for promotion in PersonalPromotion.objects.filter(employee=employee).select_related("membership__program"):
        yield {
            "written_at": promotion.asked_at,
            "program": promotion.membership.program.name,
            "act": PersonalPromotion._meta.verbose_name,
            "factor": promotion.factor,
            "first_day": promotion.starts_on,
            "last_day": promotion.ends_on,
            "reason": promotion.reason,
        }


def _erase_reasons_of_points(employee: Employee) -> None:
    for words in (Adjustment, Extension, Transfer, PersonalPromotion):
        words.objects.filter(employee=employee).update(reason=ERASED)


def _titles(employee: Employee) -> Iterable[Row]:
    titles = TierTitle.objects.filter(given_by__employee=employee).select_related("tier").order_by("pk")
    for title in titles:
        yield {"tier": title.tier.name, "from": title.starts_at, "reason": title.reason}
    for row in MetricPerson.objects.filter(employee=employee).exclude(count=0).order_by("month", "pk"):
        yield {"counted": row.metric, "month": row.month, "activities": row.count}


def _erase_words_of_titles(employee: Employee) -> None:
    TierTitle.objects.filter(given_by__employee=employee).exclude(reason="").update(reason=ERASED)


def _benefits(employee: Employee) -> Iterable[Row]:
    for grant in BenefitGrant.objects.filter(employee=employee).select_related("benefit").order_by("pk"):
        yield {"benefit": grant.benefit.name, "given_at": grant.granted_at, "reason": grant.reason}
    for use in BenefitUse.objects.filter(employee=employee).select_related("benefit").order_by("pk"):
        yield {"benefit": use.benefit.name, "used_at": use.used_at, "wish": use.wish}
    for held in BadgeHolding.objects.filter(employee=employee).select_related("badge").order_by("pk"):
        yield {"badge": held.badge.name, "given_at": held.given_at, "ended_at": held.ended_at}


def _erase_words_of_benefits(employee: Employee) -> None:
    BenefitGrant.objects.filter(employee=employee).update(reason=ERASED)
    uses = BenefitUse.objects.filter(employee=employee)
    uses.exclude(wish="").update(wish=ERASED)
    follow_ups = FollowUp.objects.filter(benefit_use__in=uses)
    follow_ups.exclude(outcome="").update(outcome=ERASED)
    follow_ups.update(text=ERASED)


def _comments(employee: Employee) -> Iterable[Row]:
    for comment in ProgramComment.objects.filter(author=employee).order_by("pk"):
        yield {"text": comment.text}


def _erase_comments(employee: Employee) -> None:
    ProgramComment.objects.filter(author=employee).update(text=ERASED)
