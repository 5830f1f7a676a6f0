"""Versions of a program's rules: read in plain words, drawn up, put in force, taken out of force."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.admin.links import AskedFilter, VocabularyFilter, row_link, rows_link
from accounts.admin.steps import Step
from accounts.approvals import ApprovalError
from accounts.models import Approval, User
from accounts.text import validate_plain_text
from loyalty import activation
from loyalty.admin.by_hand import refusal as said
from loyalty.admin.examples import examples_view
from loyalty.admin.replays import ReplayForm
from loyalty.admin.rule_cases import (
    begins_in_words,
    case_of,
    complexity_shown,
    concerns_shown,
    edited_in_words,
    last_request,
    told,
)
from loyalty.admin.rule_editor.preview import in_words
from loyalty.admin.versions import ActivateForm, StateFilter, VersionAdmin
from loyalty.concerns import Look, drafts_beside, look_at, paying_people_only
from loyalty.models import Replay, ReplayedCompany, Rule, RuleCap, RuleSet
from loyalty.replaying import ask_for_replay
from loyalty.rule_changes import changes, predecessor_of
from loyalty.rulesets import draft_from, next_version, retire
from loyalty.versions import State, VersionError, in_state, state_of


class AskForm(ActivateForm):
    """From when the version is to hold, and why it is wanted."""

    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        validators=[validate_plain_text],
        help_text=gettext_lazy("Whoever approves it reads this; it is kept with the request."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["starts_at"].help_text = _("In the time zone %(zone)s. Empty: as soon as it is approved.") % {
            "zone": timezone.get_current_timezone_name()
        }


def _withdraw(rule_set: RuleSet, by: User, now: datetime, _asked: Mapping[str, Any]) -> RuleSet:
    try:
        return activation.withdraw(rule_set=rule_set, by=by, now=now)
    except ApprovalError as error:
        raise VersionError(said(error)) from error


STEPS: Mapping[str, Step] = {
    "ask": Step(
        gettext_lazy("Ask for approval"),
        gettext_lazy(
            "Somebody else has to approve it, and is written to. From the moment it begins the version in force "
            "then ends, and its rules can no longer be changed: to change them, a new draft is made. Activities are "
            "judged by the version of the moment they happened. What is edited before the approval has to be asked for "
            "again."
        ),
        gettext_lazy("%(row)s waits for approval."),
        lambda rule_set, by, now, asked: activation.ask(
            rule_set=rule_set, by=by, starts_at=asked["starts_at"], reason=asked["reason"], now=now
        ),
        AskForm,
    ),
    "withdraw": Step(
        gettext_lazy("Withdraw the request"),
        gettext_lazy("Nobody is asked any more; the draft stays as it is, and can be asked for again."),
        gettext_lazy("%(row)s is no longer asked for."),
        _withdraw,
    ),
    "replay": Step(
        gettext_lazy("Replay history"),
        gettext_lazy(
            "Everything that members did is judged again by these rules, with limits, agreements and returns: what "
            "would have been given stands beside what was. Nothing that was given changes."
        ),
        gettext_lazy("%(row)s is being worked out."),
        lambda rule_set, by, now, asked: ask_for_replay(rule_set=rule_set, days=asked["days"], by=by, now=now),
        ReplayForm,
        makes_new_row=True,
    ),
    "retire": Step(
        gettext_lazy("Take out of force"),
        gettext_lazy(
            "The version ends at this moment and gives nothing from then on. Where it has not begun yet, it never "
            "will, and the version before it goes on."
        ),
        gettext_lazy("%(row)s is taken out of force."),
        lambda rule_set, by, now, _asked: retire(rule_set=rule_set, by=by, now=now),
        is_danger=True,
    ),
    "draft": Step(
        gettext_lazy("Make a new draft from it"),
        gettext_lazy(
            "Its rules, limits, lists of products and campaigns are copied into the next version, which you can change "
            "until it is in force."
        ),
        gettext_lazy("%(row)s is drawn up; its rules can be changed now."),
        lambda rule_set, by, now, _asked: draft_from(rule_set=rule_set, by=by, now=now),
        makes_new_row=True,
    ),
}


def _itself(rule_set: RuleSet, now: datetime) -> str:
    """Say of a draft that it is one, and how it stands."""
    if rule_set.status != RuleSet.Status.DRAFT:
        return ""
    sentence = _("Version %(version)s is a draft itself (%(state)s): what you change in the new one, it does not get.")
    return sentence % {"version": rule_set.version, "state": state_of(rule_set, now=now).label}


def _what_holds_without(rule_set: RuleSet, now: datetime) -> str:
    """Say of a version in force from when on another one holds; "" of one that is not."""
    if state_of(rule_set, now=now) != State.IN_FORCE:
        return ""
    versions = RuleSet.objects.filter(program=rule_set.program_id)
    later = in_state(versions, State.TO_COME, now=now).order_by("starts_at").first()
    words = {"program": rule_set.program.name}
    if later is None or later.starts_at is None:
        return _("No other version is to come: “%(program)s” then gives nobody anything.") % words
    words |= {"version": str(later.version), "start": localize(localtime(later.starts_at))}
    return _("“%(program)s” then gives nobody anything until version %(version)s begins on %(start)s.") % words


DOUBTS = gettext_lazy("worth a second look")


def in_doubt(rule_sets: QuerySet[RuleSet], at: datetime) -> QuerySet[RuleSet]:
    """Return those, in force or to come, by which people gain and their company nothing."""
    unended = Q(ends_at__isnull=True) | Q(ends_at__gt=at)
    return paying_people_only(rule_sets.filter(unended, status=RuleSet.Status.ACTIVE))


class GainFilter(AskedFilter):
    """Rule sets in force or to come by who gains."""

    title = gettext_lazy("who gains")
    parameter_name = "gain"
    choices_of = {"people": gettext_lazy("people, and their company nothing")}

    def cut(self, rows: QuerySet[RuleSet], asked: str, actor: Actor) -> QuerySet[RuleSet]:
        """Those to think twice about, of those that hold or are to come."""
        return in_doubt(rows, actor.at)


def _look(rule_set: RuleSet) -> Look:
    """What there is to say of a version; looked at once a page."""
    kept: Look | None = getattr(rule_set, "looked_at", None)
    if kept is None:
        now = timezone.now()
        kept = look_at(rule_set, now=max(now, rule_set.wanted_start_at or now))
        rule_set.looked_at = kept  # type: ignore[attr-defined]
    return kept


def _ways(rule: Rule, *, is_first: bool, is_last: bool) -> SafeString:
    """Buttons that move a rule; they are submits of the page's form, sent elsewhere."""
    ways = [("up", "↑", _("Move “%(rule)s” up"))] * (not is_first)
    ways += [("down", "↓", _("Move “%(rule)s” down"))] * (not is_last)
    return format_html_join(
        " ",
        '<button class="tool" formaction="{}" aria-label="{}">{}</button>',
        (
            (reverse("admin:loyalty_rule_move", args=[rule.pk], query={"way": way}), label % {"rule": rule.name}, sign)
            for way, sign, label in ways
        ),
    )


@admin.register(RuleSet)
class RuleSetAdmin(VersionAdmin[RuleSet]):
    """Versions. All that changes one is a step with a page to confirm it."""

    steps: ClassVar[Mapping[str, Step]] = STEPS
    step_template = "admin/loyalty/ruleset/step.html"
    list_display = ("__str__", "program", "state", "starts_at", "ends_at", "rule_list")
    list_filter = (("program", VocabularyFilter), StateFilter, GainFilter)
    list_select_related = ("program",)
    search_fields = ("program__name", "program__code")
    ordering = ("-pk",)

    def has_delete_permission(self, request: HttpRequest, obj: RuleSet | None = None) -> bool:
        """A draft that waits is decided, or no longer asked for, before it is thrown away."""
        waits = obj is not None and obj.approval_id is not None
        return not waits and super().has_delete_permission(request, obj)

    def get_deleted_objects(
        self, objs: QuerySet[Any] | Sequence[Any], request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        """A draft goes with the limits of its rules and its replays, which nobody deletes on screens of their own."""
        rows, counts, forbidden, protected = super().get_deleted_objects(objs, request)
        its_own = {model._meta.verbose_name for model in (RuleCap, Replay, ReplayedCompany)}
        return rows, counts, forbidden - its_own, protected

    def get_urls(self) -> list[URLPattern]:
        """The page of the examples."""
        name = "loyalty_ruleset_examples"
        return [path("<int:pk>/examples/", self.admin_site.admin_view(examples_view), name=name), *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: RuleSet | None = None) -> Any:
        """A new version only asks for which program."""
        if obj is None:
            return ("program", "combining")
        asked = ("request",) if last_request(obj) else ()
        look = _look(obj)
        doubts, notes = ("doubts",) if look.doubts else (), ("notes",) if look.notes else ()
        changed = ("changes",) if obj.status == RuleSet.Status.DRAFT or obj.version > 1 else ()
        is_movable = obj.status == RuleSet.Status.DRAFT and request.user.has_perm("loyalty.change_rule")
        rules = "in_order" if is_movable else "in_words"
        return (
            "program",
            "version",
            "state",
            "starts_at",
            "ends_at",
            *asked,
            "combining",
            *doubts,
            *changed,
            rules,
            *notes,
            "complexity",
        )

    def get_readonly_fields(self, request: HttpRequest, obj: RuleSet | None = None) -> Any:
        """A version that exists changes by steps alone; how a draft combines factors is its own to say."""
        if obj is None:
            return ()
        is_draft = obj.status == RuleSet.Status.DRAFT
        return [name for name in self.get_fields(request, obj) if name != "combining" or not is_draft]

    def save_model(self, request: HttpRequest, obj: RuleSet, form: Any, change: bool) -> None:
        """Give a new version its number; of one that exists change what its form asks, as long as it is a draft."""
        if not change:
            obj.version = next_version(obj.program)
            super().save_model(request, obj, form, change)
        elif not RuleSet.objects.filter(pk=obj.pk, status=RuleSet.Status.DRAFT).update(combining=obj.combining):
            self.message_user(request, _("Nothing was changed: the version is in force."), messages.ERROR)

    @admin.display(description=gettext_lazy("rules"))
    def rule_list(self, rule_set: RuleSet) -> str:
        """A link to its rules."""
        return rows_link(Rule, _("Rules"), rule_set__exact=rule_set.pk)

    @admin.display(description=DOUBTS)
    def doubts(self, rule_set: RuleSet) -> str:
        """What the manager should think twice about."""
        return concerns_shown(_look(rule_set).doubts)

    @admin.display(description=gettext_lazy("good to know"))
    def notes(self, rule_set: RuleSet) -> str:
        """What may well be meant."""
        summary = _("%(count)s to read") % {"count": len(_look(rule_set).notes)}
        return format_html(
            '<details class="rule-folded"><summary>{}</summary>{}</details>',
            summary,
            concerns_shown(_look(rule_set).notes),
        )

    @admin.display(description=gettext_lazy("how hard it is to explain"))
    def complexity(self, rule_set: RuleSet) -> str:
        """A number, and what it is made of."""
        return complexity_shown(_look(rule_set))

    @admin.display(description=gettext_lazy("approval"))
    def request(self, rule_set: RuleSet) -> str:
        """Who asked for it, and what became of that."""
        request = last_request(rule_set)
        if request is None:
            return "–"
        words = {"name": request.asked_by.name, "at": localize(localtime(request.asked_at))}
        lines = [_("%(name)s asked for it on %(at)s") % words, request.get_state_display()]
        if request.state == Approval.State.WAITING:
            lines.append(_("to begin: %(begin)s") % {"begin": begins_in_words(rule_set, now=timezone.now())})
            if not activation.is_as_asked(rule_set):
                lines.append(edited_in_words(rule_set))
        elif request.decided_by is not None and request.reason:
            lines.append(_("%(name)s: %(reason)s") % {"name": request.decided_by.name, "reason": request.reason})
        link = row_link(request, lines[0])
        return format_html("{}{}", link, format_html_join("", "<br>{}", ((line,) for line in lines[1:])))

    @admin.display(description=gettext_lazy("what it changes"))
    def changes(self, rule_set: RuleSet) -> str:
        """The difference to the version before, a sentence each."""
        before = predecessor_of(rule_set)
        if before is None:
            return _("It is the program’s first version.")
        found = changes(before, rule_set, in_words)
        if not found:
            return _("Nothing: it says what version %(version)s says.") % {"version": before.version}
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((str(each),) for each in found)))

    @admin.display(description=gettext_lazy("rules"))
    def in_words(self, rule_set: RuleSet) -> str:
        """Every rule in plain words, leading to its page."""
        rows = [(row_link(rule), sentence) for rule, sentence in told(rule_set)]
        if not rows:
            return _("No rules yet.")
        return format_html("<ol>{}</ol>", format_html_join("", "<li>{}<br>{}</li>", rows))

    @admin.display(description=gettext_lazy("rules"))
    def in_order(self, rule_set: RuleSet) -> str:
        """The same of a draft, each with the ways up and down."""
        lines = told(rule_set)
        if not lines:
            return _("No rules yet.")
        rows = [
            (row_link(rule), _ways(rule, is_first=rule is lines[0][0], is_last=rule is lines[-1][0]), sentence)
            for rule, sentence in lines
        ]
        return format_html("<ol>{}</ol>", format_html_join("", "<li>{} {}<br>{}</li>", rows))

    def foretold(self, row: RuleSet, name: str) -> dict[str, Any]:
        """Before it is asked for, say what it changes, what it has shown, and what to think twice about.

        Before a draft is made from one, say that there is that one, and which others there are; before a version is
        taken out of force, what holds without it.
        """
        now = timezone.now()
        match name:
            case "ask":
                return {"case": case_of(row, now=now)}
            case "draft":
                return {"warning": " ".join(filter(None, [_itself(row, now), drafts_beside(row, now=now)]))}
            case "retire":
                return {"warning": _what_holds_without(row, now)}
        return {}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A version in force is read here; there is nothing to save."""
        row = self.get_object(request, object_id)
        is_draft = row is not None and row.status == RuleSet.Status.DRAFT
        buttons = {"show_save": is_draft, "show_save_and_continue": False, "show_save_and_add_another": False}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **buttons})

    def offered(self, row: RuleSet) -> list[str]:
        """What its status lets it take."""
        asks = ["ask"] if row.approval_id is None or not activation.is_as_asked(row) else []
        waits = ["withdraw"] if row.approval_id is not None else []
        return {
            RuleSet.Status.DRAFT.value: ["replay", *asks, *waits, "draft"],
            RuleSet.Status.ACTIVE.value: ["draft", "replay", "retire"],
            RuleSet.Status.RETIRED.value: ["draft"],
        }[row.status]

    def taken(self, request: HttpRequest, step: Step, result: Any) -> HttpResponse:
        """A replay has a page of its own; a draft beside others says so."""
        if isinstance(result, Replay):
            return HttpResponseRedirect(reverse("admin:loyalty_replay_change", args=[result.pk]))
        answer = super().taken(request, step, result)
        if step is STEPS["draft"] and (beside := drafts_beside(result, now=timezone.now())):
            self.message_user(request, beside, messages.WARNING)
        return answer

    def further_tools(self, request: HttpRequest, row: RuleSet) -> list[dict[str, Any]]:
        """Examples are run with any version; a draft takes further rules and what they ask for."""
        examples = [{"label": _("Examples"), "url": reverse("admin:loyalty_ruleset_examples", args=[row.pk])}]
        if row.status != RuleSet.Status.DRAFT:
            return examples
        parts = (
            ("rule", _("Add a rule")),
            ("productlist", _("Add a list of products")),
            ("campaign", _("Add a campaign")),
        )
        return examples + [
            {"label": label, "url": reverse(f"admin:loyalty_{part}_add", query={"rule_set": row.pk})}
            for part, label in parts
            if request.user.has_perm(f"loyalty.add_{part}")
        ]
