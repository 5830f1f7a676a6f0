"""Tiers by other ways than earning: titles, invitations, fees paid; and what moved standing beside activities."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.append_only import append_only
from accounts.models.dated import Dated, ends_after_start, one_at_a_time
from accounts.scope import Actor, DatedQuerySet, ScopedQuerySet
from accounts.text import validate_plain_text
from loyalty.models.effects import EffectAward
from loyalty.models.programs import Membership, validate_currency
from loyalty.models.standing import Tier, TierAssignment

Source = TierAssignment.Source


class TierTitleQuerySet(DatedQuerySet["TierTitle"]):
    """What entitles companies to tiers; a company sees its own."""

    company_lookup = "membership__company"
    is_in_api = True

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(membership__company_id=actor.company_id)


class TierTitle(Dated):
    """What entitles a membership to a tier for a time, whatever it earns: a choice, an invitation, a fee, a word.

    A paid one ends by itself when its fee does not come: `ends_at` is always known, and every payment moves it. The
    fee is the one that was agreed to when it began.
    """

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="titles")
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="+", verbose_name=_("tier"))
    source = models.CharField(_("source"), max_length=12, choices=[c for c in Source.choices if c[0] != "EARNED"])
    reason = models.CharField(
        _("in words"),
        max_length=300,
        blank=True,
        validators=[validate_plain_text],
        help_text=_("The client reads this."),
    )
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("by")
    )
    fee = models.DecimalField(_("fee"), max_digits=12, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True, validators=[validate_currency])
    fee_months = models.PositiveSmallIntegerField(_("months that it pays for"), null=True, blank=True)
    grace_days = models.PositiveSmallIntegerField(_("days to pay"), null=True, blank=True)
    paid_through = models.DateField(_("paid up to, not counting"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)

    objects = TierTitleQuerySet.as_manager()

    class Meta:
        verbose_name = _("title to a tier")
        verbose_name_plural = _("titles to tiers")
        indexes = [models.Index(fields=["ends_at"], name="tier_title_ends")]
        constraints = [
            ends_after_start("tier_title_ends_after_start"),
            # Two at once of one kind: to give up a plan, or to cancel a fee, would leave the other one standing.
            one_at_a_time(
                "tier_title_one_at_a_time",
                "membership",
                "source",
                message=_("The company has such a title in this time. End that one first."),
            ),
            # A tier by hand that nobody can explain, or without an end (law A1).
            models.CheckConstraint(
                condition=~Q(source__in=["NEGOTIATED", "FLOOR"]) | (~Q(reason="") & Q(ends_at__isnull=False)),
                name="tier_title_by_hand_with_reason_and_end",
            ),
            # A fee without all that says when it is due; or a fee where none was agreed.
            models.CheckConstraint(
                condition=(
                    Q(source="PAID", fee__gt=0, fee__isnull=False, fee_months__gte=1, fee_months__isnull=False)
                    & Q(grace_days__gte=1, grace_days__isnull=False, paid_through__isnull=False, ends_at__isnull=False)
                    & ~Q(currency="")
                )
                | (
                    ~Q(source="PAID")
                    & Q(fee__isnull=True, fee_months__isnull=True, grace_days__isnull=True, paid_through__isnull=True)
                    & Q(currency="", cancelled_at__isnull=True)
                ),
                name="tier_title_fee_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tier}: {self.get_source_display()}"


class TierInvitationQuerySet(ScopedQuerySet["TierInvitation"]):
    """Invitations to tiers; a company's management sees its own."""

    company_lookup = "membership__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        own = self.filter(membership__company_id=actor.company_id)
        return own if actor.sees_company else self.none()


class TierInvitation(models.Model):
    """A membership that is asked into a tier, up to a day; the company's admin accepts or declines.

    Where a rule asks, `award` says for what, and the reason is the rule's name.
    """

    class Answer(models.TextChoices):
        OPEN = "OPEN", _("waits for an answer")
        ACCEPTED = "ACCEPTED", _("accepted")
        DECLINED = "DECLINED", _("declined")
        WITHDRAWN = "WITHDRAWN", _("withdrawn")

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="tier_invitations")
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="+", verbose_name=_("tier"))
    until = models.DateField(_("tier up to"), help_text=_("The last day of the tier, counted in."))
    answer_by = models.DateField(_("answer by"), help_text=_("The last day to accept it."))
    reason = models.CharField(
        _("in words"), max_length=300, validators=[validate_plain_text], help_text=_("The client reads this.")
    )
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    award = models.OneToOneField(
        EffectAward,
        on_delete=models.PROTECT,
        db_constraint=False,
        null=True,
        editable=False,
        related_name="tier_invitation",
        verbose_name=_("given by a rule"),
    )
    invited_at = models.DateTimeField(pgettext_lazy("date", "invited"))
    answer = models.CharField(pgettext_lazy("invitation", "answer"), max_length=10, choices=Answer, default=Answer.OPEN)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("answered by")
    )
    answered_at = models.DateTimeField(_("answered"), null=True)

    objects = TierInvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation to a tier")
        verbose_name_plural = _("invitations to tiers")
        constraints = [
            # Two open invitations of one company: by accepting one, the other would wait for ever.
            models.UniqueConstraint(fields=["membership"], condition=Q(answer="OPEN"), name="tier_invitation_one_open"),
            # An invitation that can still be accepted when the tier is over.
            models.CheckConstraint(
                condition=Q(answer_by__lte=F("until")),
                name="tier_invitation_answered_in_time",
                violation_error_message=_("The answer is due no later than the last day of the tier."),
            ),
            # An answer that nobody gave (law A1); only the engine withdraws without a name: after a return, or when the
            # day to answer is over.
            models.CheckConstraint(
                condition=Q(answer="OPEN", answered_by__isnull=True, answered_at__isnull=True)
                | (Q(answer__in=["ACCEPTED", "DECLINED"]) & Q(answered_by__isnull=False, answered_at__isnull=False))
                | Q(answer="WITHDRAWN", answered_at__isnull=False),
                name="tier_invitation_answer_on_record",
            ),
            # An invitation that nobody gave, or that a rule gave in somebody's name.
            models.CheckConstraint(
                condition=Q(invited_by__isnull=True, award__isnull=False)
                | Q(invited_by__isnull=False, award__isnull=True),
                name="tier_invitation_by_hand_or_rule",
            ),
            # An invitation that nobody can explain.
            models.CheckConstraint(condition=~Q(reason=""), name="tier_invitation_with_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.tier}: {self.membership}"


class TierPaymentQuerySet(ScopedQuerySet["TierPayment"]):
    """Fees paid for tiers; the company's management sees its own."""

    company_lookup = "title__membership__company"
    is_in_api = True

    def seen_by_employee(self, actor: Actor) -> Self:
        own = self.filter(title__membership__company_id=actor.company_id)
        return own if actor.sees_company else self.none()


class TierPayment(models.Model):
    """A fee that came, for one period; `reference` is what the books call it."""

    id = models.BigAutoField(primary_key=True)
    title = models.ForeignKey(TierTitle, on_delete=models.PROTECT, related_name="payments", verbose_name=_("title"))
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2, validators=[MinValueValidator(0)])
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    reference = models.CharField(
        _("reference"),
        max_length=60,
        validators=[RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9._/-]*\Z", _("Letters, digits and . _ / - only."))],
        help_text=_("Number of the invoice or of the transfer."),
    )
    paid_from = models.DateField(_("pays from"))
    paid_to = models.DateField(_("pays up to, not counting"))
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("by")
    )
    recorded_at = models.DateTimeField(_("when"))

    objects = TierPaymentQuerySet.as_manager()

    class Meta:
        verbose_name = _("fee paid for a tier")
        verbose_name_plural = _("fees paid for tiers")
        constraints = [
            # One transfer written down twice would pay for two periods.
            models.UniqueConstraint(fields=["title", "reference"], name="tier_payment_once"),
            # Two payments for one period: the second one would bring nothing.
            models.UniqueConstraint(fields=["title", "paid_from"], name="tier_payment_one_a_period"),
            # A payment of nothing, or for no time.
            models.CheckConstraint(condition=Q(amount__gt=0) & Q(paid_to__gt=F("paid_from")), name="tier_payment_pays"),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.reference}: {self.amount} {self.currency}"


class StandingEventQuerySet(ScopedQuerySet["StandingEvent"]):
    """What moved standing beside activities."""

    company_lookup = "membership__company"


class StandingEvent(models.Model):
    """A title given or changed, or a review that moved a tier; its id is drawn among those of evaluations.

    Under the membership lock both come from one sequence, so together they are the order in which standing came
    about, and `rebuild_standing` replays them in it.
    """

    class Kind(models.TextChoices):
        GIVEN = "GIVEN", _("title given")
        CHANGED = "CHANGED", _("title got another end")
        REVIEWED = "REVIEWED", _("reviewed")

    id = models.BigIntegerField(primary_key=True)
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("what"), max_length=10, choices=Kind)
    title = models.ForeignKey(TierTitle, on_delete=models.PROTECT, null=True, related_name="+")
    ends_at = models.DateTimeField(_("until"), null=True)
    at = models.DateTimeField(_("when"))

    objects = StandingEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event of standing")
        verbose_name_plural = _("events of standing")
        indexes = [models.Index(fields=["membership", "id"], name="standing_event_order")]
        constraints = [
            # A title that nobody named cannot be replayed.
            models.CheckConstraint(
                condition=Q(kind="REVIEWED", title__isnull=True) | (~Q(kind="REVIEWED") & Q(title__isnull=False)),
                name="standing_event_names_its_title",
            ),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.at:%Y-%m-%d}"
