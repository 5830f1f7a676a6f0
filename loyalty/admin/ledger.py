"""The points ledger to read: every number leads to the rows behind it. Nothing here can be added, edited or deleted."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.links import LinkedRowFilter, VocabularyFilter, row_link, rows_link
from accounts.admin.scoped import ReadOnlyAdmin
from accounts.middleware import actor_behind
from loyalty.activities.limits import CAMPAIGN
from loyalty.earning.caps import OBJECTS_OF, SHARED, TIMES_OF
from loyalty.explaining import explain, facts_in_words
from loyalty.models import (
    Award,
    AwardReversal,
    Campaign,
    CapUsage,
    Evaluation,
    Lot,
    LotUse,
    Metric,
    MetricBucket,
    Posting,
    Rule,
    SharedLimit,
    Transaction,
    Wallet,
)


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin[Evaluation]):
    """Judgements: by which version, on which facts, and what every rule said."""

    list_display = ("id", "activity", "type", "company", "program", "rule_set", "awards")
    list_filter = (("program", VocabularyFilter), ("activity", LinkedRowFilter), ("company", LinkedRowFilter))
    list_select_related = ("activity__type", "company", "program", "rule_set__program")
    search_fields = ("activity__external_id__exact", "company__name")
    ordering = ("-pk",)
    fields = ("activity", "company", "program", "rule_set", "known", "counted", "verdicts", "awards")

    @admin.display(description=gettext_lazy("type"))
    def type(self, evaluation: Evaluation) -> str:
        """What was done."""
        return str(evaluation.activity.type)

    @admin.display(description=gettext_lazy("awards"))
    def awards(self, evaluation: Evaluation) -> str:
        """A link to what was given."""
        return rows_link(Award, _("Awards"), activity__exact=evaluation.activity_id)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Evaluation | None:
        """Work the verdicts out again for the page of one evaluation."""
        evaluation = super().get_object(request, object_id, from_field)
        if evaluation is not None:
            act = Transaction(activity_id=evaluation.activity_id, program_id=evaluation.program_id)
            evaluation.plain_verdicts = explain(act, actor_behind(request))  # type: ignore[attr-defined]
        return evaluation

    @admin.display(description=gettext_lazy("what was known"))
    def known(self, evaluation: Evaluation) -> str:
        """The facts that the rules read, by their names."""
        return _listed((name, value or _("not known")) for name, value in facts_in_words(evaluation))

    @admin.display(description=gettext_lazy("what it added"))
    def counted(self, evaluation: Evaluation) -> str:
        """What it added to the metrics of the program, by their names."""
        names = dict(Metric.objects.filter(program=evaluation.program_id).values_list("code", "name"))
        return _listed((names.get(code, code), localize(Decimal(value))) for code, value in evaluation.metrics.items())

    @admin.display(description=gettext_lazy("why and why not"))
    def verdicts(self, evaluation: Evaluation) -> str:
        """What every rule said, computed again from the facts."""
        verdicts = getattr(evaluation, "plain_verdicts", ())
        rules = {rule.code: rule for rule in Rule.objects.filter(rule_set=evaluation.rule_set_id)}
        rows = (
            (
                row_link(rules[verdict.rule_code]) if verdict.rule_code in rules else verdict.rule_name,
                rows_link(Award, verdict.points, activity__exact=evaluation.activity_id, q=verdict.rule_code),
                verdict.sentence,
                verdict.reason,
            )
            for verdict in verdicts
        )
        listed = format_html_join("", "<li><strong>{}</strong>: {}<br>{}<br>{}</li>", rows)
        return format_html("<ul>{}</ul>", listed)


def _listed(pairs: Iterable[tuple[str, str]]) -> str:
    """Names with their values; a dash where there is none."""
    listed = format_html_join("", "<li>{}: <bdi>{}</bdi></li>", pairs)
    return format_html("<ul>{}</ul>", listed) if listed else "–"


@admin.register(Award)
class AwardAdmin(ReadOnlyAdmin[Award]):
    """What rules gave, 0 included."""

    list_display = ("id", "rule", "activity", "wallet", "raw", "posted", "cap_left_before", "from_campaign")
    list_filter = (("program", VocabularyFilter), ("activity", LinkedRowFilter), ("company", LinkedRowFilter))
    list_select_related = ("rule", "activity", "wallet__company", "wallet__employee")
    search_fields = ("rule_code__exact", "activity__external_id__exact", "company__name")
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("granted"), ordering="granted")
    def posted(self, award: Award) -> str:
        """The points, leading to their postings."""
        return rows_link(Posting, award.granted, award__exact=award.pk)


@admin.register(AwardReversal)
class AwardReversalAdmin(ReadOnlyAdmin[AwardReversal]):
    """What returns took back of awards."""

    list_display = ("award", "company", "granted", "reversed")
    list_select_related = ("award__company", "award__rule")
    search_fields = ("award__rule_code__exact", "award__company__name")
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("company"))
    def company(self, reversal: AwardReversal) -> str:
        """Whose points they were."""
        return str(reversal.award.company)


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin[Wallet]):
    """Balances."""

    sortable_by = None
    list_display = ("company", "employee", "program", "kind", "points", "lots")
    list_filter = ("kind", ("program", VocabularyFilter), ("company", LinkedRowFilter), ("employee", LinkedRowFilter))
    list_select_related = ("company", "employee", "program")
    search_fields = ("company__name", "company__external_id", "employee__name")
    ordering = ("-pk",)
    fields = ("company", "employee", "program", "kind", "points", "expires_on", "lots")

    @admin.display(description=gettext_lazy("balance"), ordering="balance")
    def points(self, wallet: Wallet) -> str:
        """The balance, leading to the postings that made it so."""
        return rows_link(Posting, wallet.balance, wallet=wallet.pk)

    @admin.display(description=gettext_lazy("lots"))
    def lots(self, wallet: Wallet) -> str:
        """A link to the days on which the points expire."""
        return rows_link(Lot, _("Lots"), wallet__exact=wallet.pk)


@admin.register(Transaction)
class TransactionAdmin(ReadOnlyAdmin[Transaction]):
    """Acts on the ledger."""

    list_display = ("__str__", "kind", "company", "program", "activity", "actor", "created_at", "postings")
    list_filter = ("kind", ("program", VocabularyFilter), ("activity", LinkedRowFilter), ("company", LinkedRowFilter))
    list_select_related = ("company", "program", "activity", "actor")
    search_fields = ("activity__external_id__exact", "company__name")
    ordering = ("-pk",)
    fields = ("kind", "company", "program", "activity", "actor", "created_at", "postings")

    @admin.display(description=gettext_lazy("postings"))
    def postings(self, act: Transaction) -> str:
        """A link to what it moved."""
        return rows_link(Posting, _("Postings"), transaction__exact=act.pk)


class WalletFilter(admin.SimpleListFilter):
    """Postings into and out of one wallet. Shown only where a link asked for it."""

    title = gettext_lazy("wallet")
    parameter_name = "wallet"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """The wallet asked for, by its name; without a choice Django would show every wallet's postings."""
        asked = self.value()
        if asked is None:
            return []
        wallets = Wallet.objects.visible_to(actor_behind(request)).select_related("company", "employee")
        wallet = wallets.filter(pk=int(asked)).first() if asked.isdecimal() else None
        return [(asked, str(wallet) if wallet else _("no such wallet"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Posting]) -> QuerySet[Posting]:
        """Both sides; an address that names no wallet finds nothing."""
        asked = self.value()
        if asked is None:
            return queryset
        if not asked.isdecimal():
            return queryset.none()
        return queryset.filter(Q(debit_wallet=int(asked)) | Q(credit_wallet=int(asked)))


@admin.register(Posting)
class PostingAdmin(ReadOnlyAdmin[Posting]):
    """Postings: out of one wallet, into another."""

    list_display = ("id", "act", "out_of", "into", "moved", "rule", "effective_at", "created_at")
    list_filter = (
        ("transaction__kind", admin.ChoicesFieldListFilter),
        WalletFilter,
        ("transaction", LinkedRowFilter),
        ("award", LinkedRowFilter),
        ("lot", LinkedRowFilter),
        ("company", LinkedRowFilter),
    )
    list_select_related = (
        "transaction",
        "award__rule",
        "debit_wallet__company",
        "debit_wallet__employee",
        "credit_wallet__company",
        "credit_wallet__employee",
    )
    search_fields = ("transaction__activity__external_id__exact", "company__name")
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("act"))
    def act(self, posting: Posting) -> str:
        """What kind of act, leading to it."""
        return row_link(posting.transaction, posting.transaction.get_kind_display())

    @admin.display(description=gettext_lazy("out of"))
    def out_of(self, posting: Posting) -> str:
        """The wallet that gave."""
        return row_link(posting.debit_wallet)

    @admin.display(description=gettext_lazy("into"))
    def into(self, posting: Posting) -> str:
        """The wallet that received."""
        return row_link(posting.credit_wallet)

    @admin.display(description=gettext_lazy("points"), ordering="points")
    def moved(self, posting: Posting) -> str:
        """The points, leading to the lots that they came from."""
        return rows_link(LotUse, posting.points, posting__exact=posting.pk)

    @admin.display(description=gettext_lazy("rule"))
    def rule(self, posting: Posting) -> str:
        """The rule behind an award, leading to the award."""
        return row_link(posting.award, posting.award.rule.name) if posting.award else "–"


class EndsFilter(admin.SimpleListFilter):
    """Lots by the day they end on: their own last day, or their wallet's or program's. Shown where a link asked for it.

    `2026-01-01..2026-01-31` names days, both counted in; `never` lots without one.
    """

    title = gettext_lazy("end")
    parameter_name = "ends"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """What was asked for."""
        asked = self.value()
        return [(asked, asked)] if asked is not None else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Lot]) -> QuerySet[Lot]:
        """Those that end so; nothing where the address says no days."""
        asked = self.value()
        if asked is None:
            return queryset
        if asked == "never":
            return queryset.filter(pk__in=Lot.objects.endless().values("pk"))
        first, _dots, last = asked.partition("..")
        try:
            ending = Lot.objects.ending(date.fromisoformat(first), date.fromisoformat(last))
        except ValueError:
            return queryset.none()
        return queryset.filter(pk__in=ending.values("pk"))


@admin.register(Lot)
class LotAdmin(ReadOnlyAdmin[Lot]):
    """Points by the day they expire."""

    list_display = (
        "__str__",
        "wallet",
        "available_on",
        "expires_on",
        "extended_to",
        "earned",
        "remaining",
        "expired",
        "uses",
    )
    list_filter = ("wallet__kind", EndsFilter, ("wallet", LinkedRowFilter), ("wallet__program", VocabularyFilter))
    list_select_related = ("wallet__company", "wallet__employee")
    search_fields = ("wallet__company__name", "wallet__employee__name")
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("uses"))
    def uses(self, lot: Lot) -> str:
        """A link to what was taken from it."""
        return rows_link(LotUse, _("Uses"), lot__exact=lot.pk)


@admin.register(LotUse)
class LotUseAdmin(ReadOnlyAdmin[LotUse]):
    """What postings took from lots and gave back to them."""

    list_display = ("id", "lot", "wallet", "posting", "points")
    list_filter = (("lot", LinkedRowFilter), ("posting", LinkedRowFilter))
    list_select_related = ("lot__wallet__company", "lot__wallet__employee", "posting")
    search_fields = ("lot__wallet__company__name", "lot__wallet__employee__name")
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("wallet"))
    def wallet(self, use: LotUse) -> str:
        """Whose points they are."""
        return row_link(use.lot.wallet)


@admin.register(CapUsage)
class CapUsageAdmin(ReadOnlyAdmin[CapUsage]):
    """What limits have let through."""

    sortable_by = None
    list_display = ("called", "program", "subject", "subject_id", "period", "period_start", "used", "limit")
    list_filter = (("program", VocabularyFilter), "subject", "period")
    list_select_related = ("program",)
    search_fields = ("rule_code", "program__name")
    ordering = ("-pk",)
    fields = ("called", "program", "subject", "subject_id", "period", "period_start", "object", "used", "limit")

    def with_extras(self, rows: Sequence[CapUsage]) -> Sequence[CapUsage]:
        """Bring the names of what is limited; the latest version says it."""
        programs = {row.program_id for row in rows}
        names: dict[tuple[int, str], str] = {}
        for kind, mark in ((Rule, ""), (SharedLimit, SHARED), (Campaign, CAMPAIGN)):
            named = kind._default_manager.filter(rule_set__program__in=programs).order_by("rule_set")
            for program_id, code, name in named.values_list("rule_set__program", "code", "name"):
                names[program_id, f"{mark}{code}"] = name
        for row in rows:
            code = row.rule_code.removeprefix(OBJECTS_OF).removeprefix(TIMES_OF)
            own = code or _("what the company itself allows a person")
            row.name = names.get((row.program_id, code), own)  # type: ignore[attr-defined]
        return rows

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> CapUsage | None:
        """The page of one shows its name, too."""
        row = super().get_object(request, object_id, from_field)
        return row and self.with_extras([row])[0]

    @admin.display(description=gettext_lazy("rule"), ordering="rule_code")
    def called(self, row: Any) -> str:
        """What is limited: a rule, several that share a limit, or a campaign."""
        return str(row.name)


@admin.register(MetricBucket)
class MetricBucketAdmin(ReadOnlyAdmin[MetricBucket]):
    """Metrics by month."""

    list_display = ("company", "program", "metric", "month", "value")
    list_filter = (("membership__program", VocabularyFilter), ("membership", LinkedRowFilter))
    list_select_related = ("membership__company", "membership__program")
    search_fields = ("membership__company__name", "metric")
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("company"))
    def company(self, bucket: MetricBucket) -> str:
        """Whose metric."""
        return str(bucket.membership.company)

    @admin.display(description=gettext_lazy("program"))
    def program(self, bucket: MetricBucket) -> str:
        """Where."""
        return str(bucket.membership.program)
