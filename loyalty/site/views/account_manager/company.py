"""One company: the note composer on top, what is owed, the timeline, its people, where it stands, what we know."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import messages
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import Lower
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import drafts
from accounts.access import account_managers_only
from accounts.actors import Actor
from accounts.draft_views import let_go
from accounts.idempotency import KeyUsedForAnotherRequestError
from accounts.middleware import actor_behind
from accounts.models import (
    Company,
    CompanyProfile,
    Employee,
    FollowUp,
    Interest,
    RoleAssignment,
    ServiceNote,
    SuppressedAddress,
)
from accounts.note_forms import CompanyProfileForm, ComposerForm, new_key, overwrite, typed_again
from accounts.profiles import FIELDS, ProfileChangedError, change_profile, seal_of
from accounts.service_notes import write_note
from loyalty.explaining import agreement_in_force, plain_rules, rule_set_in_force
from loyalty.ledger import Owner
from loyalty.models import Agreement, Membership, PersonalPromotion, TierAssignment
from loyalty.promotions import promotions_told
from loyalty.selectors import standing_of
from loyalty.site.views.account_manager.benefits import rights_of_company
from loyalty.site.views.account_manager.drafting import Drafting, drafting
from loyalty.site.views.account_manager.dues import Due, due
from loyalty.site.views.account_manager.timeline import COMMENTS, FOLLOW_UPS, Wanted, place, timeline
from loyalty.statement import Balance, balances_of

EXPIRES_SOON = timedelta(days=60)
MOST_OWED = 20
BY_WEIGHT = ("DECIDES", "PAYS", "INFLUENCES", "GUARDS", "USES")
"""Buying roles, who decides first."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on the people map."""

    pk: int
    name: str
    roles: list[str]
    buying_role: str
    preferred_channel: str
    interests: list[str]
    last_note_at: datetime | None
    gets_no_mail: bool
    see_as_url: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A membership as the page shows it; the chosen one in full, the others as lines."""

    program: str
    tier: str
    url: str
    is_chosen: bool
    available: int


@require_http_methods(["GET", "HEAD", "POST"])
@account_managers_only
def company(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything about one company on one page, and a form for what has just been said."""
    actor = actor_behind(request)
    kept = drafts.kept(user_id=actor.user_id, address=request.path, now=actor.at)
    row = (
        Company.objects.visible_to(actor)
        .filter(pk=pk)
        .select_related("profile")
        .annotate(has_draft=Exists(kept))
        .first()
    )
    if row is None:
        raise Http404
    people = _people(row, actor)
    draft = drafting(request, actor, may_be_kept=getattr(row, "has_draft", True))
    form = _composer(request, row, people, draft)
    status = 422 if form.is_bound else 200
    if form.is_valid():
        try:
            _write(form, row, actor)
        except KeyUsedForAnotherRequestError:
            overwrite(form, "key", new_key())  # who saves now has been told of the other note
            status = 409
        else:
            let_go(request, user_id=actor.user_id, address=draft.address)
            messages.success(request, _("The note is saved."))
            return HttpResponseRedirect(reverse("am-company", args=[pk]))
    wanted = Wanted.of(request.GET.dict())
    entries, older = timeline(row, actor, wanted=wanted, before=place(request.GET.get("before", "")))
    query = request.GET.copy()
    query["before"] = older
    context = {
        "company": row,
        "form": form,
        "has_details_open": _has_details_open(form),
        "is_used_before": status == 409,
        "drafting": draft,
        "profile": _facts(row),
        "people": people,
        "owed": _owed(row, actor),
        "entries": entries,
        "older_url": f"?{query.urlencode()}#timeline" if older else "",
        "wanted": wanted,
        "is_first_page": "before" not in request.GET,
        "kinds": [*ServiceNote.Kind.choices, (FOLLOW_UPS, _("follow-ups")), (COMMENTS, _("comments"))],
        "visibilities": ServiceNote.Visibility.choices,
        "as_of": actor.at,
        **_standing(row, actor, chosen=request.GET.get("program", "")),
    }
    return render(request, "am/company.html", context, status=status)


def _composer(request: HttpRequest, row: Company, people: list[Person], draft: Drafting) -> ComposerForm:
    if request.method == "POST":
        return ComposerForm(request.POST, company=row, people=people)
    initial = typed_again(ComposerForm(draft.typed, company=row)) if draft.typed is not None else None
    form = ComposerForm(initial=initial, company=row, people=people)
    if not request.GET:  # who came to look for something is not drawn into the form
        form.fields["text"].widget.attrs["autofocus"] = True
    return form


def _write(form: ComposerForm, row: Company, actor: Actor) -> None:
    typed = form.cleaned_data
    write_note(
        company=row,
        author_id=actor.user_id,
        kind=typed["kind"],
        text=typed["text"],
        happened_at=typed["happened_at"],
        visibility=typed["visibility"],
        people=typed["people"],
        promise=form.promised(now=actor.at),
        key=typed["key"],
    )


def _has_details_open(form: ComposerForm) -> bool:
    """Whether the folded part holds something to be seen: an error, or more than it begins with."""
    if any(name in form.errors for name in ("kind", "happened_at", "people", "visibility", "follow_up_kind")):
        return True
    kind, readers = form["kind"].value(), form["visibility"].value()
    return kind != ServiceNote.Kind.CALL or readers == ServiceNote.Visibility.SHARED or bool(form["people"].value())


def _people(row: Company, actor: Actor) -> list[Person]:
    """The people of the company, who decides first; one query."""
    one = OuterRef("pk")
    roles = RoleAssignment.objects.in_force(actor.at).filter(employee=one).order_by("role__name")
    interests = Interest.objects.filter(employees=one).order_by("name")
    last_note = ServiceNote.objects.filter(people=one).order_by("-happened_at").values("happened_at")
    stopped = SuppressedAddress.objects.in_force().filter(address=Lower(OuterRef("user__email")))
    people = (
        Employee.objects.visible_to(actor)
        .filter(company=row, is_active=True)
        .annotate(
            role_names=ArraySubquery(roles.values("role__name")),
            interest_names=ArraySubquery(interests.values("name")),
            last_note_at=Subquery(last_note[:1]),
            gets_no_mail=Exists(stopped),
        )
        .order_by("name", "pk")
    )
    by_weight = sorted(people, key=lambda person: BY_WEIGHT.index(person.buying_role))
    return [
        Person(
            pk=person.pk,
            name=person.name,
            roles=getattr(person, "role_names", []),
            buying_role=str(person.get_buying_role_display()),
            preferred_channel=str(person.get_preferred_channel_display()),
            interests=getattr(person, "interest_names", []),
            last_note_at=getattr(person, "last_note_at", None),
            gets_no_mail=getattr(person, "gets_no_mail", False),
            see_as_url=reverse("see-as", args=[person.pk]),
        )
        for person in by_weight
    ]


def _owed(row: Company, actor: Actor) -> list[Due]:
    rows = (
        FollowUp.objects.visible_to(actor)
        .filter(company=row, state=FollowUp.State.OPEN)
        .select_related("company")
        .order_by("due_on", "pk")[:MOST_OWED]
    )
    return [due(follow_up, today=timezone.localdate(actor.at)) for follow_up in rows]


def _standing(row: Company, actor: Actor, *, chosen: str) -> dict[str, object]:
    """Where the company stands: in full in one program, in a line in each other; six queries however many."""
    agreements = Agreement.objects.filter(membership=OuterRef("pk"), status__in=Agreement.APPROVED)
    promotions = PersonalPromotion.objects.filter(membership=OuterRef("pk"))
    tier = TierAssignment.objects.filter(membership=OuterRef("pk")).in_force(actor.at).values("tier__name")
    memberships = list(
        Membership.objects.visible_to(actor)
        .in_force(actor.at)
        .filter(company=row)
        .select_related("program")
        .annotate(tier_name=Subquery(tier[:1]), has_agreement=Exists(agreements), has_promotion=Exists(promotions))
        .order_by("starts_at", "pk")
    )
    if not memberships:
        return {"plans": []}
    shown = next((each for each in memberships if each.program.code == chosen), memberships[0])
    today = actor.at.astimezone(shown.program.zone).date()
    owners = [Owner(each.program_id, each.company_id) for each in memberships]
    balances = balances_of(owners, today=today, expiring_until=today + EXPIRES_SOON)
    standing = standing_of(shown, at=actor.at)
    return {
        "plans": [
            Plan(
                each.program.name,
                getattr(each, "tier_name", None) or "",
                f"?program={each.program.code}#plan",
                each is shown,
                balance.available,
            )
            for each, balance in zip(memberships, balances, strict=True)
        ],
        "program": shown.program,
        "member_since": shown.starts_at,
        "tiers": standing.tiers,
        "tier": standing.tier,
        "next_tier": standing.next_tier,
        "tier_progress": standing.progress,
        "rights": rights_of_company(row, shown, actor=actor, standing=standing),
        "promotions": promotions_told(shown, actor) if getattr(shown, "has_promotion", True) else [],
        **_agreed(shown, actor),
        **_points(balances[memberships.index(shown)]),
    }


def _agreed(membership: Membership, actor: Actor) -> dict[str, object]:
    """What was agreed with the company and holds, rule by rule; no query where nothing ever was."""
    if not getattr(membership, "has_agreement", True):
        return {}
    agreement = agreement_in_force(membership, at=actor.at)
    rule_set = rule_set_in_force(membership.program, at=actor.at) if agreement else None
    rules = plain_rules(rule_set, membership.program, agreement) if rule_set else []
    return {"agreement": agreement, "agreed_rules": [rule for rule in rules if rule.is_agreed]}


def _points(balance: Balance) -> dict[str, object]:
    return {
        "balance": balance,
        "expiring_points": sum(lot.points for lot in balance.expiring),
        "expires_from": balance.expiring[0].expires_on if balance.expiring else None,
        "expiry_days": EXPIRES_SOON.days,
    }


def _facts(row: Company) -> list[dict[str, str]]:
    profile: CompanyProfile | None = getattr(row, "profile", None)
    if profile is None:
        return []
    return [
        {"label": str(CompanyProfile._meta.get_field(name).verbose_name), "value": value}  # type: ignore[union-attr]
        for name in FIELDS
        if (value := getattr(profile, name))
    ]


@require_http_methods(["GET", "HEAD", "POST"])
@account_managers_only
def profile(request: HttpRequest, pk: int) -> HttpResponse:
    """What we know of the company, to be kept up to date."""
    actor = actor_behind(request)
    row = Company.objects.visible_to(actor).filter(pk=pk).select_related("profile").first()
    if row is None:
        raise Http404
    kept: CompanyProfile = getattr(row, "profile", None) or CompanyProfile(company=row)
    draft = drafting(request, actor)
    if request.method == "POST":
        form = CompanyProfileForm(request.POST, profile=kept)
    else:
        initial = typed_again(CompanyProfileForm(draft.typed, profile=kept)) if draft.typed is not None else None
        form = CompanyProfileForm(initial=initial, profile=kept)
    context = {"company": row, "form": form, "drafting": draft}
    if not form.is_valid():
        return render(request, "am/profile.html", context, status=422 if form.errors else 200)
    try:
        change_profile(
            company=row,
            words=form.words,
            seal_seen=form.cleaned_data["seal"],
            by_user_id=actor.user_id,
            now=actor.at,
        )
    except ProfileChangedError:
        overwrite(form, "seal", seal_of(kept))  # who saves now has seen what is overwritten
        return render(request, "am/profile.html", {**context, "now_reads": _facts(row)}, status=409)
    let_go(request, user_id=actor.user_id, address=draft.address)
    messages.success(request, _("The profile is saved."))
    return HttpResponseRedirect(reverse("am-company", args=[pk]) + "#profile")
