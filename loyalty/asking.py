"""What somebody would get for something that has not happened: the form, by the kind of activity, and its answer."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as Clock
from decimal import Decimal
from operator import attrgetter
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.api.throttling import count_in_minute
from accounts.models import Employee
from loyalty.activities import ActivityItem
from loyalty.activities.configuration import Configuration, configuration
from loyalty.activities.scene import Scene
from loyalty.earning import Beneficiary
from loyalty.explaining import agreement_in_force
from loyalty.facts import AMOUNT, OBJECT, PRODUCT_LISTS, QUANTITY
from loyalty.models import ActivityAttribute, ActivityType, Membership
from loyalty.own_activities import DERIVED_TYPES
from loyalty.replaying import WhatIf, scene_of, what_if
from loyalty.rulebook import TypeRules, rule_set_at, rules_under

MOST_A_MINUTE = 30
"""So often a person may ask: each answer judges anew."""

AHEAD = timedelta(days=366)
NOBODY = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page of questions shows; `fault` says why there is no answer, `status` is that of the page."""

    kinds: list[ActivityType]
    kind: ActivityType | None = None
    form: "QuestionForm | None" = None
    found: WhatIf | None = None
    person: str = ""
    fault: str = ""
    status: int = 200


class QuestionForm(forms.Form):
    """What would be done: what rules of its kind ask about, and no more."""

    day = forms.DateField(label=gettext_lazy("Day"), widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(
        self,
        *args: Any,
        membership: Membership,
        facts: Sequence[str],
        attributes: Sequence[ActivityAttribute],
        people: Sequence[tuple[str, str]],
        today: date,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._today, self._attributes = today, attributes
        if len(people) > 1:
            self.fields["by"] = forms.ChoiceField(label=_("By"), choices=people, required=False)
        if AMOUNT in facts:
            label = _("Amount (%(currency)s)") % {"currency": membership.program.currency}
            self.fields["amount"] = _number(label, is_required=True)
        if QUANTITY in facts:
            self.fields["quantity"] = _number(_("Quantity"), is_required=True)
        if OBJECT in facts or PRODUCT_LISTS in facts:
            self.fields["object"] = forms.CharField(label=_("Product code"), max_length=200, required=False)
        for attribute in attributes:
            self.fields[f"a-{attribute.code}"] = _field_of(attribute)

    def clean_day(self) -> date:
        """Refuse days that no rule can speak of."""
        day: date = self.cleaned_data["day"]
        if not date(1970, 1, 2) <= day <= self._today + AHEAD:
            raise forms.ValidationError(_("Choose a day up to one year from now."))
        return day

    def item(
        self, kind: ActivityType, membership: Membership, employee_id: int | None, *, now: datetime
    ) -> ActivityItem:
        """Return what would happen: now if it is today, at noon of another day."""
        told, program = self.cleaned_data, membership.program
        attributes = {row.code: told[f"a-{row.code}"] for row in self._attributes}
        return ActivityItem(
            external_id="what-if",
            type=kind.code,
            company_id=membership.company_id,
            occurred_at=now
            if told["day"] == self._today
            else datetime.combine(told["day"], Clock(12), tzinfo=program.zone),
            employee_id=employee_id,
            object=told.get("object", ""),
            quantity=told.get("quantity"),
            amount=told.get("amount"),
            currency=program.currency if told.get("amount") is not None else "",
            attributes={code: value for code, value in attributes.items() if value not in (None, "")},
        )


def ask(sent: QueryDict, membership: Membership, actor: Actor) -> Asked:
    """Return what a page of questions shows: the kinds to choose from, the form of one, the answer to it.

    A question is put by `ask`; a person sees what goes to the own wallet, who sees the company also what goes there.
    """
    at, known = actor.at, configuration()
    scene = scene_of(membership, known) if "ask" in sent else None
    by_type = _rules(membership, known, scene, at=at)
    told = [known.kinds[type_id] for type_id, rules in by_type.items() if _is_told(rules, actor, membership)]
    kinds = sorted((kind for kind in told if kind.code not in DERIVED_TYPES), key=attrgetter("name"))
    chosen = sent.get("type", "")
    kind = kinds[0] if len(kinds) == 1 else next((row for row in kinds if row.code == chosen), None)
    if kind is None:
        return Asked(kinds)
    today = at.astimezone(membership.program.zone).date()
    people = people_to_ask_for(membership, actor)
    form = QuestionForm(
        sent if "ask" in sent else None,
        membership=membership,
        facts=by_type[kind.pk].fact_codes,
        attributes=[*known.attributes.get(kind.pk, {}).values()],
        people=people,
        today=today,
        initial={"day": today, "by": people[0][0]},
    )
    if not form.is_bound:
        return Asked(kinds, kind, form)
    if not form.is_valid():
        return Asked(kinds, kind, form, status=422)
    minute = int(time.time()) // 60
    if count_in_minute(f"what-if:{actor.user_id}", minute) > MOST_A_MINUTE:
        return Asked(kinds, kind, form, fault=_("You asked very often. Wait a minute, then ask again."), status=429)
    by = form.cleaned_data.get("by", people[0][0])
    item = form.item(kind, membership, int(by) if by else None, now=at)
    found = what_if(membership, item, actor, now=at, scene=scene)
    person = "" if by == str(actor.employee_id) else dict(people).get(by, "") if by else ""
    return Asked(kinds, kind, form, found, person, found.fault, 422 if found.fault else 200)


def _rules(
    membership: Membership, known: Configuration, scene: Scene | None, *, at: datetime
) -> Mapping[int, TypeRules]:
    """Return the rules in force for a member, by the activity type; one query where no scene is at hand."""
    rule_set_id = rule_set_at(known.terms.get(membership.program_id, []), at)
    if rule_set_id is None:
        return {}
    if scene is not None:
        return rules_under(rule_set_id, scene.agreement_at(membership.pk, at))
    agreement = agreement_in_force(membership, at=at)
    return rules_under(rule_set_id, agreement.pk if agreement else None)


def people_to_ask_for(membership: Membership, actor: Actor) -> list[tuple[str, str]]:
    """Return who may have done it, by key and name, the likeliest first.

    A person asks for the own self, who sees the company also for nobody in particular, an admin for anybody there.
    """
    nobody = (NOBODY, _("nobody in particular"))
    if actor.is_employee and not actor.is_company_admin:
        me = (str(actor.employee_id), _("me"))
        return [me, nobody] if actor.sees_company else [me]
    people = Employee.objects.visible_to(actor).filter(company=membership.company_id, is_active=True)
    named = [
        (str(pk), _("me") if pk == actor.employee_id else name)
        for pk, name in people.order_by("name", "pk").values_list("pk", "name")
    ]
    named.sort(key=lambda row: row[0] != str(actor.employee_id))
    return [*named, nobody] if actor.is_employee else [nobody, *named]


def _is_told(rules: TypeRules, actor: Actor, membership: Membership) -> bool:
    """Whether there is a rule that the actor would be told of."""
    if not actor.is_employee or actor.sees_company:
        return True
    return any(rule.beneficiary is not Beneficiary.COMPANY for rule in rules.rules)


def _number(label: str, *, is_required: bool, may_be_negative: bool = False) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=is_required,
        min_value=None if may_be_negative else Decimal(0),
        max_digits=14,
        decimal_places=4,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )


def _field_of(attribute: ActivityAttribute) -> forms.Field:
    label, is_required = attribute.name.capitalize(), attribute.is_required
    if attribute.unit:
        label = f"{label} ({attribute.unit})"
    match attribute.type:
        case ActivityAttribute.Type.NUMBER:
            return _number(label, is_required=is_required, may_be_negative=True)
        case ActivityAttribute.Type.DATE:
            return forms.DateField(label=label, required=is_required, widget=forms.DateInput(attrs={"type": "date"}))
        case ActivityAttribute.Type.BOOLEAN:
            answers = [("", _("not said")), ("yes", _("yes")), ("no", _("no"))]
            return forms.TypedChoiceField(
                label=label,
                required=is_required,
                choices=answers,
                coerce=lambda word: word == "yes",
                empty_value=None,
            )
        case _:
            return forms.CharField(label=label, required=is_required, max_length=200)
