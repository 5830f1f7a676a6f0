"""What is asked when somebody looks for a reward, redeems it, decides about an order or lets somebody stand in."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Delegation, Employee
from accounts.text import validate_plain_text
from rewards.models import Reward, SpendingPolicy
from rewards.policies import MOST_ABOVE
from rewards.selectors import Way, Wish

LONGEST_REASON = 500
FARTHEST_YEARS = 5


class CatalogueForm(forms.Form):
    """What somebody looks for among the rewards; sent by GET, so that the address says it."""

    category = forms.ChoiceField(
        label=_("Category"), required=False, choices=[("", _("All categories")), *Reward.Category.choices]
    )
    paid_from = forms.ChoiceField(
        label=_("Paid from"),
        required=False,
        choices=[
            ("", _("Any points")),
            (Reward.PaidFrom.EMPLOYEE, _("My points")),
            (Reward.PaidFrom.COMPANY, _("The company's points")),
        ],
    )
    sort = forms.ChoiceField(
        label=_("Order"),
        required=False,
        choices=[
            ("price", _("Cheapest first")),
            ("-price", _("Dearest first")),
            ("name", _("By name")),
            ("new", _("Newest first")),
        ],
    )
    affordable = forms.BooleanField(label=_("I can afford it"), required=False)
    stock = forms.BooleanField(label=_("In stock"), required=False)

    @property
    def choices(self) -> list[forms.BoundField]:
        """The fields of which one value always holds; the others are switches."""
        return [self["category"], self["paid_from"], self["sort"]]

    @property
    def wish(self) -> Wish:
        """What is looked for; what does not exist counts for nothing, as an address may be an old one."""
        self.full_clean()
        found = {name: value for name, value in self.cleaned_data.items() if value}
        return Wish(
            category=found.get("category", ""),
            paid_from=found.get("paid_from", ""),
            only_affordable=found.get("affordable", False),
            only_in_stock=found.get("stock", False),
            sort=found.get("sort", "price"),
        )


class RedeemForm(forms.Form):
    """Whose points pay, at which price the reward was shown, and the key that makes a double click one order."""

    payer = forms.ChoiceField(
        label=_("Pay with"),
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": _("This reward cannot be paid for in this way. Choose again.")},
    )
    price = forms.IntegerField(label=_("Price"), widget=forms.HiddenInput)
    key = forms.CharField(label=_("Key"), max_length=64, widget=forms.HiddenInput)

    def __init__(self, data: object = None, *, ways: Sequence[Way], price: int) -> None:
        """`ways` are those in which the reader may pay; a single one is not asked for."""
        initial: dict[str, object] = {"price": price, "key": uuid4().hex}
        if ways:
            initial["payer"] = _best(ways, price).code
        super().__init__(data, initial=initial)  # type: ignore[arg-type]
        payer = self.fields["payer"]
        assert isinstance(payer, forms.ChoiceField)  # noqa: S101 (tells the type checker)
        names = {
            "own": _("My points"),
            "company": _("The company's points"),
            "both": _("My points first, the company's for the rest"),
        }
        payer.choices = [(way.code, names[way.code]) for way in ways]
        if len(ways) < 2:
            payer.widget = forms.HiddenInput()


def _best(ways: Sequence[Way], price: int) -> Way:
    """The way to begin with: a single wallet that reaches, else both together where these do, else the fullest."""
    single = max((way for way in ways if not way.rest_from_company), key=lambda way: way.points)
    return next((way for way in (single, *ways) if way.points >= price), single)


class NoteForm(forms.Form):
    """Why somebody wants what the company approves first."""

    note = forms.CharField(
        label=_("Why you want it"),
        required=False,
        max_length=LONGEST_REASON,
        validators=[validate_plain_text],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Whoever decides in your company reads it."),
    )


class DecisionForm(forms.Form):
    """Yes, or no with a reason."""

    use_required_attribute = False
    reason = forms.CharField(
        label=_("Reason, if you reject it"),
        error_messages={"required": _("Say why: whoever ordered it reads the reason.")},
        max_length=LONGEST_REASON,
        validators=[validate_plain_text],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Whoever ordered it reads the reason."),
    )

    def __init__(self, data: QueryDict | None = None) -> None:
        """A yes needs no reason."""
        super().__init__(data)
        if data is not None and data.get("decision") == "approve":
            self.fields["reason"].required = False


class PolicyForm(forms.Form):
    """Which orders a company approves first."""

    mode = forms.ChoiceField(
        label=_("Orders that your company approves first"),
        widget=forms.RadioSelect,
        choices=[
            (SpendingPolicy.Mode.NEVER, _("none")),
            (SpendingPolicy.Mode.ABOVE, _("orders above a value")),
            (SpendingPolicy.Mode.ALWAYS, _("every order")),
        ],
    )
    above = forms.IntegerField(
        label=_("Value in points"),
        required=False,
        min_value=1,
        max_value=MOST_ABOVE,
        help_text=_("For orders above a value: an order of more points than this waits for approval."),
    )


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class DelegateForm(forms.Form):
    """Who stands in, and from which day to which."""

    delegate = forms.ModelChoiceField(
        label=_("Who stands in for you"), queryset=Employee.objects.none(), empty_label=_("Choose a colleague")
    )
    starts_on = forms.DateField(label=_("First day"), widget=_day())
    ends_on = forms.DateField(label=_("Last day"), widget=_day())

    def __init__(self, data: object = None, *, colleagues: QuerySet[Employee]) -> None:
        """`colleagues` are those who can stand in."""
        super().__init__(data, initial={"starts_on": timezone.localdate()})  # type: ignore[arg-type]
        delegate = self.fields["delegate"]
        assert isinstance(delegate, forms.ModelChoiceField)  # noqa: S101 (tells the type checker)
        delegate.queryset = colleagues

    def clean_starts_on(self) -> date:
        """Refuse a slip of the key in the year."""
        return _soon(self.cleaned_data["starts_on"])

    def clean_ends_on(self) -> date:
        """Refuse a slip of the key in the year."""
        return _soon(self.cleaned_data["ends_on"])

    @property
    def span(self) -> tuple[datetime, datetime]:
        """From the start of the first day to the end of the last one, in the reader's time zone."""
        first, last = self.cleaned_data["starts_on"], self.cleaned_data["ends_on"] + timedelta(days=1)
        return _midnight(first), _midnight(last)


class EndForm(forms.Form):
    """Which delegation to end."""

    end = forms.ModelChoiceField(queryset=Delegation.objects.none())

    def __init__(self, data: object, *, delegations: QuerySet[Delegation]) -> None:
        """`delegations` are those that the reader sees."""
        super().__init__(data)  # type: ignore[arg-type]
        end = self.fields["end"]
        assert isinstance(end, forms.ModelChoiceField)  # noqa: S101 (tells the type checker)
        end.queryset = delegations


def _soon(day: date) -> date:
    if abs(day.year - timezone.localdate().year) > FARTHEST_YEARS:
        raise ValidationError(_("Choose a day that is nearer."))
    return day


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
