"""What comes round by the clock, and how often. The commands of the same names do the same by hand.

Programs live in different time zones. What is due when a program's day is over comes every hour, since some program's
day is always over; each of these looks at what is due and leaves the rest alone.
"""

from collections.abc import Mapping
from importlib import import_module

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts import drafts, jobs, messages, segments, webhooks
from accounts.jobs import JobKind, Run
from accounts.mail.mending import forget_old as forget_mails
from accounts.moving.steps import delete_expired
from accounts.periodic import PeriodicKind, Rhythm
from accounts.service_clients import forget_tokens
from loyalty.benefits import announce_ends
from loyalty.books import close_books
from loyalty.ending import end_programs
from loyalty.figures import take_figures
from loyalty.ledger import expire_points, release_points
from loyalty.one_wallet import gather_wallets
from loyalty.standing import review_tiers
from loyalty.titles import remind_of_fees
from surveys.versions import announce_open


def _release_points(run: Run) -> Mapping[str, object]:
    return {"wallets": release_points(now=run.began_at).wallets}


def _expire_points(run: Run) -> Mapping[str, object]:
    expired = expire_points(now=run.began_at)
    return {"points": expired.points, "wallets": expired.wallets}


def _review_tiers(run: Run) -> Mapping[str, object]:
    return {"companies": review_tiers(now=run.began_at)}


def _refresh_segments(run: Run) -> Mapping[str, object]:
    return segments.as_result(segments.refresh_segments(now=run.began_at))


def _announce_surveys(run: Run) -> Mapping[str, object]:
    return {"surveys": announce_open(now=run.began_at)}


def _gather_wallets(run: Run) -> Mapping[str, object]:
    return {"companies": gather_wallets(now=run.began_at)}


def _take_figures(run: Run) -> Mapping[str, object]:
    return {"programs": take_figures(now=run.began_at)}


def _end_programs(run: Run) -> Mapping[str, object]:
    done = end_programs(now=run.began_at)
    return {"notices": done.notices, "wallets": done.wallets, "points": done.points}


def _close_books(run: Run) -> Mapping[str, object]:
    return {"days": close_books(now=run.began_at)}


def _announce_benefit_ends(run: Run) -> Mapping[str, object]:
    return {"people": announce_ends(now=run.began_at)}


def _remind_of_fees(run: Run) -> Mapping[str, object]:
    return {"people": remind_of_fees(now=run.began_at)}


def _tidy_up(run: Run) -> Mapping[str, object]:
    """What was kept long enough (docs/privacy.md). Keys of requests stay: law I2 holds for ever."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    return {
        "drafts": drafts.forget_old(now=run.began_at),
        "jobs": jobs.forget_old(now=run.began_at),
        "files": delete_expired(now=run.began_at),
        "messages": messages.forget_old(now=run.began_at),
        "mails": forget_mails(now=run.began_at),
        "tokens": forget_tokens(now=run.began_at),
        "events": webhooks.tidy(now=run.began_at, days=settings.WEBHOOK_DAYS_KEPT),
    }


PERIODIC: tuple[PeriodicKind, ...] = (
    PeriodicKind(JobKind("release_points", _("Release points that waited"), _release_points), Rhythm((2,))),
    PeriodicKind(JobKind("expire_points", _("Expire points"), _expire_points), Rhythm((5,))),
    # After points that waited were released.
    PeriodicKind(JobKind("gather_wallets", _("Companies with one wallet"), _gather_wallets), Rhythm((4,))),
    PeriodicKind(JobKind("review_tiers", _("Review tiers"), _review_tiers), Rhythm((10,))),
    # At a quarter past, too: after the tiers, for which a condition may ask.
    PeriodicKind(JobKind("refresh_segments", _("Segments by condition"), _refresh_segments), Rhythm((0, 15, 30, 45))),
    PeriodicKind(JobKind("announce_surveys", _("Announce surveys"), _announce_surveys), Rhythm((20,))),
    # Shortly before midnight, in whatever zone: what comes after the last look counts with the next day.
    PeriodicKind(JobKind("take_figures", _("Keep the day’s figures"), _take_figures), Rhythm((25, 55))),
    PeriodicKind(JobKind("end_programs", _("Programs that end"), _end_programs), Rhythm((7,))),
    PeriodicKind(JobKind("close_books", _("Close the books of days that are over"), _close_books), Rhythm((35,))),
    PeriodicKind(
        JobKind("announce_benefit_ends", _("Announce benefits that end"), _announce_benefit_ends), Rhythm((0,), hour=6)
    ),
    PeriodicKind(JobKind("remind_of_fees", _("Remind of fees for tiers"), _remind_of_fees), Rhythm((15,), hour=6)),
    PeriodicKind(JobKind("tidy_up", _("Tidy up"), _tidy_up), Rhythm((30,), hour=3)),
)
