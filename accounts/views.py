"""What a user sets for itself."""

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import activate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.i18n import set_language as django_set_language

from accounts import impersonation
from accounts.access import signed_in
from accounts.forms import AboutMeForm, ProfileForm, ReasonForm
from accounts.impersonation import LIMIT_MINUTES, NothingToSeeError, can_be_seen_as, people_to_see_as
from accounts.middleware import LOOK_KEY, actor_behind, look_behind
from accounts.models import Employee, SuppressedAddress, User
from accounts.preferences import Channel, NoSuchSwitchError, Switch, Topic, preferences_of, set_preferences


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def me(request: HttpRequest) -> HttpResponse:
    """Who one is and how the site speaks to one; what belongs to somebody else is shown, never offered."""
    actor = actor_behind(request)
    if actor.seen_by_user_id:
        person = Employee.objects.select_related("company", "user").get(pk=actor.employee_id)
        return render(request, "accounts/me_as_seen.html", {"employee": person})
    user = User.objects.get(pk=actor.user_id)
    employee = Employee.objects.select_related("company").filter(user_id=user.pk).first()
    part = request.POST.get("part", "") if employee is not None else ""
    if employee is not None and part == "notifications":
        return _save_notifications(request, employee)
    is_about = part == "about"
    form = ProfileForm(request.POST if request.method == "POST" and not is_about else None, instance=user)
    about = AboutMeForm(request.POST if is_about else None, instance=employee) if employee is not None else None
    sent = about if is_about else form
    if sent is not None and sent.is_valid():
        return _save(request, sent, user)
    status = 422 if request.method == "POST" else 200
    context = {
        "form": form,
        "about": about,
        "sent": sent,
        "employee": employee,
        "topics": _topics(employee) if employee is not None else [],
        "channels": Channel.labels,
        "stopped": SuppressedAddress.objects.visible_to(actor).in_force().filter(address=user.email.lower()).first(),
    }
    return render(request, "accounts/me.html", context, status=status)


def _save(request: HttpRequest, form: ProfileForm | AboutMeForm, user: User) -> HttpResponse:
    with transaction.atomic():
        form.save()
        if isinstance(form, AboutMeForm) and user.name != form.instance.name:
            User.objects.filter(pk=user.pk).update(name=form.instance.name)
    if isinstance(form, ProfileForm):
        activate(user.language)
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("me"))


def _save_notifications(request: HttpRequest, employee: Employee) -> HttpResponse:
    wanted = [Switch(*value.split(":", 1)) for value in request.POST.getlist("wanted") if ":" in value]
    try:
        set_preferences(employee_id=employee.pk, wanted=wanted)
    except NoSuchSwitchError:
        messages.error(request, _("Nothing has changed: the page was an old one. Choose again."))
    else:
        messages.success(request, _("Saved. We tell you what you chose."))
    return HttpResponseRedirect(reverse("me"))


def _topics(employee: Employee) -> list[dict[str, object]]:
    """Each topic with its switches, one a channel."""
    wanted = preferences_of(employee.pk)
    return [
        {
            "label": label,
            "switches": [
                {"value": f"{topic}:{channel}", "channel": name, "is_on": wanted[Switch(topic, channel)]}
                for channel, name in Channel.choices
            ],
        }
        for topic, label in Topic.choices
    ]


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Switch the language and stay on the page; who is signed in keeps it on every device."""
    language = request.POST.get("language", "")
    actor = actor_behind(request)
    if actor.user_id and language in dict(settings.LANGUAGES):
        User.objects.filter(pk=actor.user_id).update(language=language)
    return django_set_language(request)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def see_as(request: HttpRequest, pk: int) -> HttpResponse:
    """See as a client's employee for a while, once there is a reason; for whoever looks after the company."""
    actor = actor_behind(request)
    user = User.objects.get(pk=actor.user_id)
    employee = people_to_see_as(user, actor).filter(pk=pk).first()
    if employee is None:
        raise Http404
    came_from = _came_from(request)
    form = ReasonForm(request.POST or None)
    context = {
        "employee": employee,
        "form": form,
        "came_from": came_from,
        "can_be_seen_as": can_be_seen_as(employee),
        "minutes": LIMIT_MINUTES,
    }
    if not form.is_valid():
        return render(request, "accounts/see_as.html", context, status=422 if form.errors else 200)
    try:
        look = impersonation.start(
            employee=employee,
            by_user_id=actor.user_id,
            reason=form.cleaned_data["reason"],
            came_from=came_from,
            now=timezone.now(),
        )
    except NothingToSeeError:
        return render(request, "accounts/see_as.html", context, status=409)
    request.session[LOOK_KEY] = look.kept()
    return HttpResponseRedirect(resolve_url(settings.LOGIN_REDIRECT_URL))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def stop_seeing_as(request: HttpRequest) -> HttpResponse:
    """Act as oneself again, where one came from."""
    look = look_behind(request)
    if look is None:
        return HttpResponseRedirect(resolve_url(settings.LOGIN_REDIRECT_URL))
    if request.method != "POST":
        return render(request, "accounts/looking.html")
    impersonation.stop(look, now=timezone.now())
    del request.session[LOOK_KEY]
    messages.success(request, _("You act as yourself again."))
    return HttpResponseRedirect(look.came_from)


def _came_from(request: HttpRequest) -> str:
    """The page of this site that led here, or the user's own desk."""
    address = request.POST.get("next", request.GET.get("next", ""))
    if url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure()):
        return address
    return resolve_url(settings.LOGIN_REDIRECT_URL)
