"""What a program owes, on a page: by age and by last day, what may expire, and how any past day closed; also as CSV."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import StringIO

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.admin.asked_again import must_be_asked
from accounts.admin.scoped import manager_behind
from accounts.middleware import actor_behind
from accounts.reauthentication import ask_again
from accounts.tables import harmless
from loyalty.admin.by_hand import MINUS
from loyalty.books import Closing, closing
from loyalty.breakage import FEWEST_COHORTS, FEWEST_POINTS
from loyalty.liability import Band, Liability, liability
from loyalty.models import Lot, Program, Transaction, Wallet

_Kind = Transaction.Kind


class DayForm(forms.Form):
    """Which day's closing balance is shown."""

    day = forms.DateField(label=gettext_lazy("Day"), widget=forms.DateInput(attrs={"type": "date"}))


@dataclass(frozen=True, slots=True)
class Line:
    """A number of the page: in points and in money, and the rows behind it ("" where there are none to show)."""

    label: str
    points: int
    money: Decimal
    url: str = ""

    @property
    def points_shown(self) -> str:
        """The points in the reader's notation."""
        return _shown(self.points, 0)

    @property
    def money_shown(self) -> str:
        """The money in the reader's notation."""
        return _shown(self.money, 2)


def _shown(value: int | Decimal, decimals: int) -> str:
    return f"{MINUS if value < 0 else ''}{number_format(abs(Decimal(value)), decimals, force_grouping=True)}"


def liability_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a program owes now, and how a day closed; `format=csv` gives the same as a file, by POST."""
    if not request.user.has_perms(("loyalty.view_program", "loyalty.view_bookday")):
        raise PermissionDenied
    program = Program.objects.visible_to(actor_behind(request)).filter(pk=pk).first()
    if program is None:
        raise Http404
    now = timezone.now()
    owed = liability(program, now=now)
    form = DayForm({"day": request.GET.get("day") or (owed.today - timedelta(days=1)).isoformat()})
    day = form.cleaned_data["day"] if form.is_valid() else owed.today - timedelta(days=1)
    is_known = day <= owed.today
    closed = closing(program, day, now=now) if is_known else None
    sections = list(_sections(owed, closed))
    if request.method == "POST":
        if must_be_asked(request):
            return ask_again(request, page=request.get_full_path())
        return _as_csv(request, program, owed.today, sections)
    context = {
        **admin.site.each_context(request),
        "opts": Program._meta,
        "original": program,
        "title": _("Liability: %(program)s") % {"program": program.name},
        "program": program,
        "owed": owed,
        "sections": sections,
        "form": form,
        "day": day,
        "is_known": is_known,
        "closed": closed,
        "as_of": now,
        "how": _how(),
        "breakage": _breakage_in_words(owed),
        "back_url": reverse("admin:loyalty_program_change", args=[program.pk]),
    }
    return TemplateResponse(request, "admin/loyalty/program/liability.html", context, status=200 if is_known else 422)


def _sections(owed: Liability, closed: Closing | None) -> Iterator[tuple[str, list[Line]]]:
    """Yield what stands on the page, heading by heading."""
    yield _("Outstanding"), list(_outstanding(owed))
    yield _("By age: the month from which they can be spent"), [_age_line(owed, band) for band in owed.by_age]
    yield _("By last day"), list(_end_lines(owed))
    if closed is not None:
        yield _closing_heading(closed), list(_closing_lines(owed, closed))


def _outstanding(owed: Liability) -> Iterator[Line]:
    for label, points, kind in (
        (_("Available"), owed.available, Wallet.Kind.AVAILABLE),
        (_("Waiting"), owed.waiting, Wallet.Kind.PENDING),
    ):
        yield _line(owed, label, points, _wallets(owed.program, kind.value))
    both = f"{Wallet.Kind.AVAILABLE.value},{Wallet.Kind.PENDING.value}"
    wallets = _list_of(Wallet, program__id__exact=owed.program.pk, kind__in=both)
    yield _line(owed, _("Outstanding"), owed.outstanding, wallets)
    yield _line(owed, _("Debt, which the next points repay"), owed.debt, _wallets(owed.program, Wallet.Kind.DEBT.value))


def _age_line(owed: Liability, band: Band) -> Line:
    assert band.first is not None  # noqa: S101 (every available lot has its day: law L8)
    assert band.last is not None  # noqa: S101
    url = _lots(owed, available_on__gte=band.first.isoformat(), available_on__lte=band.last.isoformat())
    return _line(owed, _named(band.first, band.last), band.points, url)


def _end_lines(owed: Liability) -> Iterator[Line]:
    if owed.over:
        before = f"{date.min.isoformat()}..{(owed.today - timedelta(days=1)).isoformat()}"
        yield _line(owed, _("Over: they expire with the next job"), owed.over, _lots(owed, ends=before))
    for band in owed.by_end:
        if band.first is None or band.last is None:
            yield _line(owed, _("Without a last day"), band.points, _lots(owed, ends="never"))
        else:
            first = max(band.first, owed.today)
            url = _lots(owed, ends=f"{first.isoformat()}..{band.last.isoformat()}")
            yield _line(owed, _named(band.first, band.last), band.points, url)


def _closing_heading(closed: Closing) -> str:
    day = date_format(closed.row.day, "DATE_FORMAT")
    if closed.is_closed:
        return _("How %(day)s closed") % {"day": day}
    return _("How %(day)s stands: its books are not closed yet") % {"day": day}


def _closing_lines(owed: Liability, closed: Closing) -> Iterator[Line]:
    row = closed.row
    yield _line(owed, _("At the beginning of the day"), row.opening)
    for label, points, kinds in (
        (_("Earned"), row.earned, (_Kind.EARN,)),
        (_("Taken back after returns"), -row.returned, (_Kind.RETURN,)),
        (_("Spent"), -row.spent, (_Kind.REDEEM,)),
        (_("Given back by cancelled orders"), row.given_back, (_Kind.CANCEL,)),
        (_("Expired"), -row.expired, (_Kind.EXPIRE, _Kind.END)),
        (_("Given and taken by hand"), row.by_hand, (_Kind.ADJUST,)),
        (_("Handed over"), -row.handed_over, (_Kind.HAND_OVER,)),
    ):
        yield _line(owed, label, points, _acts(owed.program, row.day, *(kind.value for kind in kinds)))
    yield _line(owed, _("At the end of the day"), row.closing)
    yield _line(owed, _("Of it outstanding"), row.outstanding)
    yield _line(owed, _("Of it debt"), row.debt)


def _line(owed: Liability, label: str, points: int, url: str = "") -> Line:
    return Line(label, points, owed.money(points), url)


def _named(first: date, last: date) -> str:
    """A band by its month, or by its months of a year."""
    if (first.year, first.month) == (last.year, last.month):
        return date_format(first, "YEAR_MONTH_FORMAT")
    if (first.month, last.month) == (1, 12):
        return str(first.year)
    return f"{date_format(first, 'YEAR_MONTH_FORMAT')} – {date_format(last, 'YEAR_MONTH_FORMAT')}"


def _breakage_in_words(owed: Liability) -> str:
    """What may expire, in a sentence; never a number where there is too little behind it."""
    found = owed.forecast
    if not found.cohorts:
        return _("None of the outstanding points has a last day: none of them is expected to expire.")
    if not found.is_known:
        return _("There is too little history to say how many of the outstanding points will expire.")
    sentence = _("%(points)s points (%(money)s %(currency)s) are expected to expire unused.") % {
        "points": number_format(found.points, force_grouping=True),
        "money": number_format(owed.money(found.points), 2, force_grouping=True),
        "currency": owed.program.currency,
    }
    if found.unknown:
        rest = _("Of %(points)s further points there is too little history to say.")
        sentence = f"{sentence} {rest % {'points': number_format(found.unknown, force_grouping=True)}}"
    return sentence


def _how() -> str:
    return _(
        "How it is computed: points are taken by the month from which they could be spent. Of past months whose points "
        "are all used or expired it is known how many they still held at the same age, and which share of those "
        "expired; that share is expected of today’s. It takes %(cohorts)s such months and %(points)s points; waiting "
        "points, and points without a last day, are left out."
    ) % {"cohorts": FEWEST_COHORTS, "points": number_format(FEWEST_POINTS, force_grouping=True)}


def _wallets(program: Program, kind: str) -> str:
    return _list_of(Wallet, program__id__exact=program.pk, kind__exact=kind)


def _lots(owed: Liability, **cut: str) -> str:
    return _list_of(
        Lot,
        wallet__program__id__exact=owed.program.pk,
        wallet__kind__exact=Wallet.Kind.AVAILABLE.value,
        remaining__gt=0,
        **cut,
    )


def _acts(program: Program, day: date, *kinds: str) -> str:
    """The acts of a day of the program's zone."""
    first = datetime.combine(day, time.min, tzinfo=program.zone)
    after = datetime.combine(day + timedelta(days=1), time.min, tzinfo=program.zone)
    chosen = {"kind__exact": kinds[0]} if len(kinds) == 1 else {"kind__in": ",".join(kinds)}
    return _list_of(
        Transaction,
        program__id__exact=program.pk,
        created_at__gte=first.isoformat(),
        created_at__lt=after.isoformat(),
        **chosen,
    )


def _list_of(model: type[Lot | Transaction | Wallet], **filters: str | int) -> str:
    listed = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{listed}?{urlencode(filters)}"


def _as_csv(
    request: HttpRequest, program: Program, today: date, sections: list[tuple[str, list[Line]]]
) -> HttpResponse:
    """The page as a file, and on record that it went out (A1)."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow([_("Section"), _("What"), _("Points"), _("Money"), _("Currency")])
    rows = 0
    for heading, lines in sections:
        for line in lines:
            cells = [harmless(cell) for cell in (heading, line.label)]
            writer.writerow([*cells, str(line.points), f"{line.money:f}", program.currency])
            rows += 1
    me = manager_behind(request)
    audit.record("exported", me, actor_id=me.pk, now=timezone.now(), screen="liability", rows=rows)
    name = f"liability-{program.code}-{today}.csv"
    return HttpResponse(
        "\N{ZERO WIDTH NO-BREAK SPACE}" + text.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
