"""What a user sets for itself."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import activate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.i18n import set_language as django_set_language

from accounts.access import signed_in
from accounts.forms import ProfileForm
from accounts.middleware import actor_behind
from accounts.models import Employee, User


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def me(request: HttpRequest) -> HttpResponse:
    """Language and time zone of the one who is signed in."""
    user = User.objects.get(pk=actor_behind(request).user_id)
    form = ProfileForm(request.POST or None, instance=user)
    if form.is_valid():
        form.save()
        activate(user.language)
        messages.success(request, _("Saved."))
        return HttpResponseRedirect(reverse("me"))
    employee = Employee.objects.select_related("company").filter(user_id=user.pk).first()
    return render(request, "accounts/me.html", {"form": form, "employee": employee})


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Switch the language and stay on the page; who is signed in keeps it on every device."""
    language = request.POST.get("language", "")
    actor = actor_behind(request)
    if actor.user_id and language in dict(settings.LANGUAGES):
        User.objects.filter(pk=actor.user_id).update(language=language)
    return django_set_language(request)
