"""Personal promotions of a company and its people: what holds and what it has added, and a form to ask for one."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.access import account_managers_only
from accounts.actors import Actor
from accounts.draft_views import let_go
from accounts.middleware import actor_behind
from accounts.models import Employee, User
from accounts.note_forms import Named, day_input, typed_again
from accounts.text import validate_plain_text
from loyalty.explaining import PlainRule, plain_rules, rule_set_in_force
from loyalty.models import Membership
from loyalty.promotions import MOST_FACTOR, PromotionError, Terms, ask, promotions_told
from loyalty.site.views.account_manager.drafting import Drafting, drafting
from loyalty.site.views.account_manager.portfolio import company_at, taking_part


class PromotionForm(forms.Form):
    """For whom, on what, how much more, when, and why."""

    employee = forms.ModelChoiceField(
        label=gettext_lazy("For whom"),
        queryset=Employee.objects.none(),
        required=False,
        empty_label=gettext_lazy("The company and all of its people"),
        help_text=gettext_lazy("A person's promotion is for that person's own points, and read by nobody else there."),
    )
    rule_codes = forms.MultipleChoiceField(
        label=gettext_lazy("On which rules"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen: on all that give points."),
    )
    factor = forms.DecimalField(
        label=gettext_lazy("Factor"),
        max_digits=7,
        decimal_places=4,
        max_value=MOST_FACTOR,
        initial=2,
        help_text=gettext_lazy("More than 1; with 2 there are twice as many points."),
    )
    starts_on = forms.DateField(label=gettext_lazy("First day"), widget=day_input())
    ends_on = forms.DateField(label=gettext_lazy("Last day"), widget=day_input())
    budget = forms.IntegerField(
        label=gettext_lazy("Budget in points"),
        required=False,
        min_value=1,
        max_value=10**12,
        help_text=gettext_lazy("The most that it adds in all. Empty: without a limit."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=300,
        validators=[validate_plain_text],
        help_text=gettext_lazy("Whoever approves reads this; the client does not."),
    )

    def __init__(
        self,
        *args: Any,
        membership: Membership,
        people: Iterable[Named],
        rules: Iterable[PlainRule],
        actor: Actor,
        **kwargs: Any,
    ) -> None:
        """Offer the people, who have been read already, and the rules in force that give points."""
        super().__init__(*args, **kwargs)
        employee, codes = self.fields["employee"], self.fields["rule_codes"]
        assert isinstance(employee, forms.ModelChoiceField)  # noqa: S101 (tells the type checker)
        assert isinstance(codes, forms.MultipleChoiceField)  # noqa: S101 (tells the type checker)
        employee.queryset = Employee.objects.visible_to(actor).filter(company=membership.company_id, is_active=True)
        employee.widget.choices = [("", employee.empty_label or ""), *((person.pk, person.name) for person in people)]
        codes.choices = [(rule.code, rule.name) for rule in rules if rule.gives_points]

    @property
    def terms(self) -> Terms:
        """What is asked for."""
        typed = self.cleaned_data
        return Terms(
            factor=typed["factor"],
            starts_on=typed["starts_on"],
            ends_on=typed["ends_on"],
            employee=typed["employee"],
            rule_codes=tuple(typed["rule_codes"]),
            budget=typed["budget"],
        )


@require_http_methods(["GET", "HEAD", "POST"])
@account_managers_only
def promotions(request: HttpRequest, pk: int) -> HttpResponse:
    """What holds, will or waits for the company and its people, and a form that asks a second person for more."""
    actor = actor_behind(request)
    row = company_at(request, actor, pk)
    draft = drafting(request, actor, may_be_kept=getattr(row, "has_draft", True))
    kept = draft.typed.get("program") if draft.typed is not None else ""
    chosen = request.GET.get("program") or request.POST.get("program") or kept or ""
    taking = taking_part(row, actor, chosen=chosen)
    if taking is None:
        status = 409 if request.method == "POST" else 200
        return render(request, "am/promotions.html", {"company": row}, status=status)
    membership = taking.membership
    form = _form(request, membership, actor, draft)
    status = 422 if form.is_bound else 200
    if form.is_valid():
        by = User.objects.get(pk=actor.user_id)
        try:
            ask(membership=membership, terms=form.terms, reason=form.cleaned_data["reason"], by=by, now=actor.at)
        except PromotionError as error:
            form.add_error(None, str(error))
            status = 409
        else:
            let_go(request, user_id=actor.user_id, address=draft.address)
            messages.success(request, _("Asked for: nothing is added until a program manager has approved it."))
            address = reverse("am-promotions", args=[pk])
            return HttpResponseRedirect(f"{address}?program={membership.program.code}")
    context = {
        "company": row,
        "program": membership.program,
        "tabs": taking.tabs,
        "promotions": promotions_told(membership, actor),
        "form": form,
        "drafting": draft,
        "as_of": actor.at,
    }
    return render(request, "am/promotions.html", context, status=status)


def _form(request: HttpRequest, membership: Membership, actor: Actor, draft: Drafting) -> PromotionForm:
    people = Employee.objects.visible_to(actor).filter(company=membership.company_id, is_active=True)
    rule_set = rule_set_in_force(membership.program, at=actor.at)
    offered: dict[str, Any] = {
        "membership": membership,
        "people": list(people.order_by("name", "pk")),
        "rules": plain_rules(rule_set, membership.program) if rule_set else [],
        "actor": actor,
    }
    if request.method == "POST":
        return PromotionForm(request.POST, **offered)
    if draft.typed is not None:
        return PromotionForm(initial=typed_again(PromotionForm(draft.typed, **offered)), **offered)
    return PromotionForm(**offered)
