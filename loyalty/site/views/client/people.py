"""The company's people: read by those who see the company, changed by its admins."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Prefetch, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import freshly_signed_in_to_send
from accounts.actors import Actor
from accounts.forms import InvitationForm, NewPersonForm, PersonForm
from accounts.idempotency import KeyUsedForAnotherRequestError
from accounts.invitations import (
    AddressOfAnotherError,
    InvitationError,
    NoSuchEmployeeError,
    NoSuchInvitationError,
    NothingOpenError,
    TooManyInvitationsError,
    add_and_invite,
    invite,
    revoke,
)
from accounts.middleware import actor_behind
from accounts.models import Employee, Invitation, RoleAssignment, StakeholderRole
from accounts.models.employees import EmployeeQuerySet
from accounts.people import (
    Added,
    LastAdminError,
    NoSuchPersonError,
    NotYoursToManageError,
    OwnAccessError,
    PeopleError,
    change_person,
    deactivate,
    may_manage_people,
    reactivate,
)
from loyalty.ledger import Owner
from loyalty.selectors import membership_of
from loyalty.site.views.client.company import company_only
from loyalty.statement import balances_of

PEOPLE_A_PAGE = 25


@dataclass(frozen=True, slots=True)
class ShownPerson:
    """Somebody of the company as the list shows them."""

    name: str
    roles: list[str]
    buying_role: str
    is_admin: bool
    is_active: bool
    has_login: bool
    invitation: str
    """What became of the last invitation, as a word; "" where there was none or it does not matter any more."""
    url: str


@require_safe
@company_only
def people(request: HttpRequest) -> HttpResponse:
    """Who works in the company and takes part."""
    actor = actor_behind(request)
    query = request.GET.get("q", "").strip().replace("\0", "")
    is_former = request.GET.get("show") == "former"
    rows = _colleagues(actor).filter(is_active=not is_former)
    if query:
        rows = rows.filter(Q(name__icontains=query) | Q(alias__icontains=query))
    page = Paginator(rows, PEOPLE_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "people": [_shown(person, actor) for person in page],
        "page": page,
        "query": query,
        "is_former": is_former,
        "may_manage": may_manage_people(actor),
    }
    return render(request, "company/people.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@company_only
@freshly_signed_in_to_send
def add(request: HttpRequest) -> HttpResponse:
    """Add somebody."""
    actor = actor_behind(request)
    if not may_manage_people(actor):
        raise PermissionDenied
    form = NewPersonForm(request.POST or None, roles=_roles(actor))
    if not form.is_valid():
        return render(request, "company/person_add.html", {"form": form}, status=422 if form.errors else 200)
    try:
        added, invitation = add_and_invite(
            actor=actor,
            person=form.person,
            address=form.cleaned_data["address"],
            language=get_language() or settings.LANGUAGE_CODE,
            key=form.cleaned_data["key"],
            now=timezone.now(),
        )
    except NotYoursToManageError:
        raise PermissionDenied from None
    except KeyUsedForAnotherRequestError:
        form.add_error(None, _("This page was used for somebody else already. Open it again to add another person."))
        return render(request, "company/person_add.html", {"form": form}, status=409)
    except (TooManyInvitationsError, AddressOfAnotherError) as error:
        form.add_error("address", _not_invited(error))
        return render(request, "company/person_add.html", {"form": form}, status=409)
    if added.is_new or added.was_there:
        said = {"person": added.employee.name, "address": form.cleaned_data["address"]}
        messages.success(request, _what_came_of(added, is_invited=invitation is not None) % said)
    return HttpResponseRedirect(reverse("person", args=[added.employee.pk]))


@require_http_methods(["GET", "HEAD", "POST"])
@company_only
@freshly_signed_in_to_send
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One of the company's people, and for admins the form that changes what is said of them."""
    actor = actor_behind(request)
    if request.method == "POST" and not may_manage_people(actor):
        raise PermissionDenied
    row = _colleagues(actor).filter(pk=pk).first()
    if row is None:
        raise Http404
    if not may_manage_people(actor):
        return _show(request, actor, row, None)
    form = _form_of(row, actor, request.POST or None)
    if not form.is_valid():
        return _show(request, actor, row, form, status=422 if form.errors else 200)
    try:
        change_person(actor=actor, employee_id=pk, person=form.person, now=timezone.now())
    except NotYoursToManageError:
        raise PermissionDenied from None
    except NoSuchPersonError:
        raise Http404 from None
    except PeopleError as error:
        form.add_error(None, _refusal(error))
        return _show(request, actor, row, form, status=409)
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("person", args=[pk]))


@require_POST
@company_only
@freshly_signed_in_to_send
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Let somebody in no longer, or again."""
    actor = actor_behind(request)
    act = reactivate if request.POST.get("to") == "active" else deactivate
    try:
        employee = act(actor=actor, employee_id=pk, now=timezone.now())
    except NotYoursToManageError:
        raise PermissionDenied from None
    except NoSuchPersonError:
        raise Http404 from None
    except PeopleError as error:
        messages.error(request, _refusal(error))
        return HttpResponseRedirect(reverse("person", args=[pk]))
    if employee.is_active:
        messages.success(request, _("%(person)s takes part again.") % {"person": employee.name})
    else:
        sentence = _("%(person)s no longer gets in. The points stay where they are.")
        messages.success(request, sentence % {"person": employee.name})
    return HttpResponseRedirect(reverse("person", args=[pk]))


@require_POST
@company_only
def invite_person(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask somebody in by e-mail, or once more."""
    actor = actor_behind(request)
    form = InvitationForm(request.POST)
    if not may_manage_people(actor):
        raise PermissionDenied
    if not form.is_valid():
        row = _colleagues(actor).filter(pk=pk).first()
        if row is None:
            raise Http404
        return _show(request, actor, row, _form_of(row, actor), status=422, invitation=form)
    address, language = form.cleaned_data["address"], get_language() or settings.LANGUAGE_CODE
    try:
        invite(actor=actor, employee_id=pk, address=address, language=language, now=timezone.now())
    except NoSuchEmployeeError:
        raise Http404 from None
    except InvitationError as error:
        messages.error(request, _not_invited(error))
    else:
        messages.success(request, _("The invitation goes to %(address)s.") % {"address": address})
    return HttpResponseRedirect(reverse("person", args=[pk]))


@require_POST
@company_only
def revoke_invitation(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the open invitation of somebody back."""
    actor = actor_behind(request)
    open_ = Invitation.objects.visible_to(actor).open().filter(employee=pk, employee__company=actor.company_id).first()
    try:
        if open_ is not None:
            revoke(actor=actor, invitation_id=open_.pk, now=timezone.now())
            messages.success(request, _("The invitation is taken back: its link opens nothing any more."))
    except NotYoursToManageError:
        raise PermissionDenied from None
    except (NoSuchInvitationError, NothingOpenError):
        messages.error(request, _("Nothing has changed: the invitation was accepted or taken back before."))
    if not _colleagues(actor).filter(pk=pk).exists():
        raise Http404
    return HttpResponseRedirect(reverse("person", args=[pk]))


def _show(
    request: HttpRequest,
    actor: Actor,
    row: Employee,
    form: PersonForm | None,
    status: int = 200,
    invitation: InvitationForm | None = None,
) -> HttpResponse:
    available, statement_url = None, ""
    membership = membership_of(actor) if actor.is_company_admin else None
    if membership is not None:
        today = actor.at.astimezone(membership.program.zone).date()
        owner = Owner(membership.program_id, membership.company_id, row.pk)
        available = balances_of([owner], today=today)[0].available
        statement_url = f"{reverse('statement')}?person={row.pk}&program={membership.program.code}"
    last = _last_invitation(row)
    address = row.address or (last.address if last else "")
    context = {
        "person": _shown(row, actor),
        "employee": row,
        "last_invitation": last,
        "invitation_form": invitation or InvitationForm(initial={"address": address}),
        "form": form,
        "is_own": row.pk == actor.employee_id,
        "available": available,
        "program": membership.program if membership else None,
        "statement_url": statement_url,
    }
    return render(request, "company/person.html", context, status=status)


def _colleagues(actor: Actor) -> EmployeeQuerySet:
    """The company's people with their roles of now and their invitations; three queries, however many there are."""
    roles = RoleAssignment.objects.visible_to(actor).in_force(actor.at).select_related("role").order_by("role__name")
    invitations = Invitation.objects.visible_to(actor).order_by("-pk")
    people = Employee.objects.visible_to(actor).filter(company_id=actor.company_id)
    people = people.prefetch_related(Prefetch("invitations", queryset=invitations))
    return people.prefetch_related(Prefetch("roles", queryset=roles)).order_by("name", "pk")


def _last_invitation(person: Employee) -> Invitation | None:
    return next(iter(person.invitations.all()), None)


def _shown(person: Employee, actor: Actor) -> ShownPerson:
    last = _last_invitation(person) if person.user_id is None else None
    return ShownPerson(
        name=person.name,
        roles=[assignment.role.name for assignment in person.roles.all()],
        buying_role=str(person.get_buying_role_display()),
        is_admin=person.access == Employee.Access.ADMIN,
        is_active=person.is_active,
        has_login=person.user_id is not None,
        invitation=last.state(actor.at).value if last is not None else "",
        url=reverse("person", args=[person.pk]),
    )


def _form_of(row: Employee, actor: Actor, sent: QueryDict | None = None) -> PersonForm:
    roles = [assignment.role.code for assignment in row.roles.all()]
    said = {"name": row.name, "roles": roles, "buying_role": row.buying_role, "access": row.access}
    return PersonForm(sent, initial=said, roles=_roles(actor), is_own=row.pk == actor.employee_id)


def _roles(actor: Actor) -> list[StakeholderRole]:
    return list(StakeholderRole.objects.visible_to(actor).order_by("name", "pk"))


def _refusal(error: PeopleError) -> str:
    """What happened, why, and what to do next."""
    match error:
        case LastAdminError():
            return _(
                "Nothing has changed: this is the last admin, and somebody must look after the company's people. "
                "Make somebody else an admin first."
            )
        case OwnAccessError():
            return _("Nothing has changed: nobody changes the own access. Ask another admin of your company.")
        case _:
            return _("Nothing has changed: a role that was chosen no longer exists. Choose again.")


def _what_came_of(added: Added, *, is_invited: bool) -> str:
    """What has become of somebody who was to be added, and what to do next."""
    if added.is_new and is_invited:
        return _("%(person)s takes part from now on. The invitation goes to %(address)s.")
    if added.is_new:
        return _("%(person)s takes part from now on.")
    if is_invited:
        return _(
            "%(person)s, who takes part already, is known by %(address)s: nobody was added, and the invitation goes "
            "there. Change below what is no longer so."
        )
    if not added.employee.is_active:
        return _("%(person)s, who took part before, has %(address)s: nobody was added. Let the person in again below.")
    return _("%(person)s signs in with %(address)s already: nobody was added. Change below what is no longer so.")


def _not_invited(error: InvitationError) -> str:
    """What happened, why, and what to do next."""
    if isinstance(error, TooManyInvitationsError):
        return _("Nothing was sent: there were many invitations just now. Wait for a while, then try again.")
    if isinstance(error, AddressOfAnotherError):
        return _("Nothing was sent: a colleague signs in with this address, or is known by it. Invite that colleague.")
    return _("Nothing was sent: the person signs in already, or no longer takes part.")
