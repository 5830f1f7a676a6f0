"""Who takes part in a program, and what managements agreed to; both through their use cases."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.actors import Actor
from accounts.admin.companies import CompanyAdmin
from accounts.admin.links import AskedFilter, LinkedRowFilter, VocabularyFilter
from accounts.admin.scoped import (
    FixedFieldsForm,
    NeverDeleted,
    ReadOnlyAdmin,
    ReadOnlyInline,
    ScopedModelAdmin,
    manager_behind,
)
from accounts.admin.steps import Step, StepForm, SteppedAdmin
from accounts.models import Company, StakeholderRole, User
from accounts.scope import in_force
from accounts.text import validate_plain_text
from loyalty.admin.whatif import what_if_view
from loyalty.figures import ACTIVE_WITHIN
from loyalty.memberships import Joining, enrol, give_consent, withdraw_consent
from loyalty.models import Consent, Membership, TierAssignment, Wallet
from loyalty.one_wallet import OneWalletError, begin_one_wallet, end_one_wallet


def without_consent(memberships: QuerySet[Membership], at: datetime) -> QuerySet[Membership]:
    """Return those of `memberships` in force at `at`, in running programs, whose management has not agreed."""
    consents = Consent.objects.in_force(at).filter(membership=OuterRef("pk"))
    return memberships.filter(in_force(at), ~Exists(consents), program__is_active=True)


def taking_part(companies: QuerySet[Company], at: datetime) -> QuerySet[Company]:
    """Return those of `companies` that take part in a running program at `at`."""
    memberships = Membership.objects.in_force(at).filter(company=OuterRef("pk"), program__is_active=True)
    return companies.filter(Exists(memberships))


class ConsentFilter(AskedFilter):
    """Memberships in force by whether the management has agreed."""

    title = gettext_lazy("consent")
    parameter_name = "consent"
    choices_of = {"missing": gettext_lazy("missing")}

    def cut(self, rows: QuerySet[Membership], asked: str, actor: Actor) -> QuerySet[Membership]:
        """Those without."""
        return without_consent(rows, actor.at)


class ActivityFilter(AskedFilter):
    """Memberships in force by whether points have come in of late, as the figures count active companies."""

    title = gettext_lazy("points came in")
    parameter_name = "active"
    choices_of = {
        "yes": format_lazy(gettext_lazy("in the last {days} days"), days=ACTIVE_WITHIN.days),
        "no": format_lazy(gettext_lazy("not for {days} days"), days=ACTIVE_WITHIN.days),
        "any": gettext_lazy("or not: all that take part now"),
        "ever": gettext_lazy("ever, whether they still take part or not"),
    }

    def cut(self, rows: QuerySet[Membership], asked: str, actor: Actor) -> QuerySet[Membership]:
        """Those with, or without."""
        wallets = Wallet.objects.filter(company=OuterRef("company"), program=OuterRef("program"), kind__in=_RECEIVING)
        if asked == "any":
            return rows.filter(in_force(actor.at))
        if asked == "ever":
            return rows.filter(Exists(wallets.filter(received_at__isnull=False)))
        wallets = wallets.filter(received_at__gt=actor.at - ACTIVE_WITHIN)
        return rows.filter(in_force(actor.at), Exists(wallets) if asked == "yes" else ~Exists(wallets))


_RECEIVING = (Wallet.Kind.AVAILABLE, Wallet.Kind.PENDING)


def moved(assignments: QuerySet[TierAssignment]) -> QuerySet[TierAssignment]:
    """Return those of `assignments` that took the place of another tier, each with `rank_before`."""
    before = TierAssignment.objects.filter(membership=OuterRef("membership"), starts_at__lt=OuterRef("starts_at"))
    before = before.exclude(ends_at=F("starts_at")).order_by("-starts_at", "-pk")
    return (
        assignments.exclude(ends_at=F("starts_at"))
        .annotate(rank_before=Subquery(before.values("tier__rank")[:1]))
        .filter(~Q(tier__rank=F("rank_before")), rank_before__isnull=False)
    )


class MoveFilter(AskedFilter):
    """Tiers of companies by whether a company came to them from another one."""

    title = gettext_lazy("moved")
    parameter_name = "moved"
    choices_of = {"yes": gettext_lazy("from another tier")}

    def cut(self, rows: QuerySet[TierAssignment], asked: str, actor: Actor) -> QuerySet[TierAssignment]:
        """Those that are a move."""
        return moved(rows)


class ConsentInline(ReadOnlyInline[Consent, Membership]):
    """What the management agreed to, one after the other."""

    model = Consent
    fields = ("starts_at", "ends_at", "given_by", "roles", "monthly_limit")
    ordering = ("-starts_at",)


class TierInline(ReadOnlyInline[TierAssignment, Membership]):
    """The tiers held, one after the other."""

    model = TierAssignment
    fields = ("tier", "source", "starts_at", "ends_at")
    ordering = ("-starts_at",)


class MembershipForm(FixedFieldsForm[Membership]):
    """A membership can end; which company takes part where, and from when, stays: points were given by it."""

    fixed = ("company", "program", "starts_at", "origin")
    wallets = forms.TypedChoiceField(
        label=gettext_lazy("wallets"),
        required=False,
        choices=[
            ("", gettext_lazy("as the program suggests for a company of this size")),
            ("one", gettext_lazy("one for the company and its people")),
            ("own", gettext_lazy("its people have their own")),
        ],
        coerce=lambda word: word == "one",
        empty_value=None,
    )


class WhyForm(StepForm):
    """Why."""

    reason = forms.CharField(label=gettext_lazy("Why"), max_length=300, validators=[validate_plain_text])


def _begin(membership: Membership, by: User, now: datetime, asked: Mapping[str, Any]) -> Membership:
    begin_one_wallet(membership=membership, by_id=by.pk, reason=asked["reason"], now=now)
    return membership


def _end(membership: Membership, by: User, now: datetime, asked: Mapping[str, Any]) -> Membership:
    end_one_wallet(membership=membership, by_id=by.pk, reason=asked["reason"], now=now)
    return membership


@admin.register(Membership)
class MembershipAdmin(NeverDeleted[Membership], SteppedAdmin[Membership]):
    """Companies in programs."""

    form = MembershipForm
    list_display = ("company", "program", "origin", "has_one_wallet", "starts_at", "ends_at")
    list_filter = (
        ("program", VocabularyFilter),
        "origin",
        "has_one_wallet",
        ("ends_at", admin.EmptyFieldListFilter),
        ConsentFilter,
        ActivityFilter,
        ("company", LinkedRowFilter),
    )
    list_select_related = ("company", "program")
    search_fields = ("company__name", "company__external_id", "program__name")
    ordering = ("-starts_at",)
    autocomplete_fields = ("company",)
    readonly_fields = ("has_one_wallet",)
    inlines = (ConsentInline, TierInline)
    refusal = OneWalletError
    steps = {
        "one-wallet": Step(
            gettext_lazy("One wallet"),
            gettext_lazy(
                "The points that its people have move to the company at once, each with its last day; it takes over "
                "what they owe. From now on it gets what they would get, they see its points, its admins spend them."
            ),
            gettext_lazy("The company and its people have one wallet."),
            _begin,
            WhyForm,
        ),
        "own-wallets": Step(
            gettext_lazy("Wallets of their own"),
            gettext_lazy(
                "From now on people get what is theirs, as the company's consent says. No points move: what the "
                "company has stays the company's."
            ),
            gettext_lazy("Its people have wallets of their own. No points were moved."),
            _end,
            WhyForm,
        ),
    }

    def get_urls(self) -> list[URLPattern]:
        """The page that answers what would bring points."""
        view = self.admin_site.admin_view(what_if_view)
        return [path("<int:pk>/what-if/", view, name="loyalty_membership_what_if"), *super().get_urls()]

    def further_tools(self, request: HttpRequest, row: Membership) -> list[dict[str, Any]]:
        """What would happen can be asked of every one."""
        return [{"label": _("What if"), "url": reverse("admin:loyalty_membership_what_if", args=[row.pk])}]

    def offered(self, row: Membership) -> list[str]:
        """The other way, while it takes part."""
        if not row.holds_at(timezone.now()):
            return []
        return ["own-wallets" if row.has_one_wallet else "one-wallet"]

    def get_fields(self, request: HttpRequest, obj: Membership | None = None) -> Any:
        """How many wallets is asked once; steps change it from then on."""
        return ("company", "program", "origin", "has_one_wallet" if obj else "wallets", "starts_at", "ends_at")

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        """Enrol a company with its wallets and first tier; an existing membership only ends."""
        if change:
            super().save_model(request, obj, form, change)
            return
        joining = Joining(obj.company_id, obj.starts_at, form.cleaned_data["wallets"])
        (membership,) = enrol(program=obj.program, joinings=[joining], origin=Membership.Origin(obj.origin))
        obj.pk = membership.pk
        obj._state.adding = False
        if obj.ends_at is not None:
            obj.save(update_fields=["ends_at"])


class ConsentForm(forms.ModelForm[Consent]):
    """A management's word, given on a day."""

    roles = forms.MultipleChoiceField(
        label=gettext_lazy("roles that may earn"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=lambda: list(StakeholderRole.objects.order_by("name").values_list("code", "name")),
        help_text=gettext_lazy("None chosen: every role."),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a word that begins before one that was given for a later time."""
        cleaned = super().clean() or self.cleaned_data
        membership, starts_at = cleaned.get("membership"), cleaned.get("starts_at")
        if membership and starts_at:
            later = Consent.objects.filter(membership=membership, starts_at__gte=starts_at)
            if later.exclude(ends_at=F("starts_at")).exists():
                self.add_error("starts_at", _("A consent that begins then or later is on record already."))
        return cleaned


@admin.register(Consent)
class ConsentAdmin(NeverDeleted[Consent], ScopedModelAdmin[Consent]):
    """Consents: given and withdrawn, never edited."""

    form = ConsentForm
    list_display = ("membership", "starts_at", "ends_at", "roles", "monthly_limit", "given_by")
    list_filter = (("ends_at", admin.EmptyFieldListFilter), ("membership__program", VocabularyFilter))
    list_select_related = ("membership__company", "membership__program", "given_by")
    search_fields = ("membership__company__name", "given_by__name", "given_by__email")
    ordering = ("-starts_at",)
    autocomplete_fields = ("membership",)
    actions = ("withdraw",)

    def get_fields(self, request: HttpRequest, obj: Consent | None = None) -> Any:
        """A new consent takes the place of the one in force and is signed by who enters it."""
        asked = ("membership", "starts_at", "roles", "monthly_limit", "unearned")
        return (*asked, "ends_at", "given_by") if obj else asked

    def has_change_permission(self, request: HttpRequest, obj: Consent | None = None) -> bool:
        """A word that was given stays as it was given."""
        return obj is None and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Consent, form: Any, change: bool) -> None:
        """Write down the word and who took it."""
        consent = give_consent(
            membership=obj.membership,
            by=manager_behind(request),
            now=timezone.now(),
            roles=obj.roles,
            monthly_limit=obj.monthly_limit,
            unearned=obj.unearned,
            starts_at=obj.starts_at,
        )
        obj.pk = consent.pk

    @admin.action(description=gettext_lazy("Withdraw the selected consents"), permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Consent]) -> None:
        """End those of the selected consents that are in force."""
        now, by = timezone.now(), manager_behind(request)
        chosen = Consent.objects.filter(pk__in=queryset.values("pk")).in_force(now).select_related("membership")
        ended = sum(withdraw_consent(membership=consent.membership, by=by, now=now) for consent in chosen)
        text = ngettext("%(count)s consent was withdrawn.", "%(count)s consents were withdrawn.", ended)
        self.message_user(request, text % {"count": ended}, messages.SUCCESS if ended else messages.WARNING)


@admin.register(TierAssignment)
class TierAssignmentAdmin(ReadOnlyAdmin[TierAssignment]):
    """Who held which tier when, and why."""

    sortable_by = None
    list_display = ("company", "program", "tier", "source", "starts_at", "ends_at")
    list_filter = ("source", ("membership__program", VocabularyFilter), ("tier", VocabularyFilter), MoveFilter)
    list_select_related = ("membership__company", "membership__program", "tier")
    search_fields = ("membership__company__name", "tier__name")
    ordering = ("-starts_at",)

    @admin.display(description=gettext_lazy("company"), ordering="membership__company__name")
    def company(self, assignment: TierAssignment) -> str:
        """Who holds it."""
        return str(assignment.membership.company)

    @admin.display(description=gettext_lazy("program"), ordering="membership__program__name")
    def program(self, assignment: TierAssignment) -> str:
        """Where."""
        return str(assignment.membership.program)


class TakingPartFilter(AskedFilter):
    """Companies by whether they take part in anything."""

    title = gettext_lazy("programs")
    parameter_name = "takes_part"
    choices_of = {"yes": gettext_lazy("in a running one")}

    def cut(self, rows: QuerySet[Company], asked: str, actor: Actor) -> QuerySet[Company]:
        """Those that do."""
        return taking_part(rows, actor.at)


class MembershipInline(ReadOnlyInline[Membership, Company]):
    """The programs that a company takes part in."""

    model = Membership
    ordering = ("-starts_at",)


admin.site.unregister(Company)


@admin.register(Company)
class MemberCompanyAdmin(CompanyAdmin):
    """The company's page, with what this floor knows of it."""

    list_filter = (TakingPartFilter, *CompanyAdmin.list_filter)
    inlines = (*CompanyAdmin.inlines, MembershipInline)
