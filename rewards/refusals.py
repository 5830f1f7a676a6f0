"""Refusals in words: what happened, why, and what to do next."""

from collections.abc import Mapping

from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import approvals, delegations
from accounts.models import Approval, Delegation
from rewards import policies, progress, redemption, steps
from rewards.models import Redemption, Reward
from rewards.progress import NotNowError
from rewards.redemption import (
    CannotCancelError,
    InsufficientPointsError,
    NotPaidFromError,
    PriceChangedError,
    ProgramOverError,
)

_State = Redemption.State

_SENTENCES: Mapping[type[Exception], Promise] = {
    redemption.OutOfStockError: gettext_lazy("The last one is gone. Nothing is booked: your points stay with you."),
    redemption.RewardWithdrawnError: gettext_lazy("This reward is no longer offered. Nothing is booked."),
    redemption.NotYoursToSpendError: gettext_lazy(
        "These points cannot be spent by you at the moment. Ask your company's admin."
    ),
    steps.ReasonMissingError: gettext_lazy("Say why: whoever ordered it reads the reason."),
    progress.NotADeciderError: gettext_lazy(
        "You do not decide for your company at the moment: a time of standing in may be over. Nothing has changed."
    ),
    progress.WaitsForCompanyError: gettext_lazy(
        "The client's own people are still to approve this order. It comes to your queue once they have."
    ),
    approvals.OwnRequestError: gettext_lazy("You asked for this yourself, so somebody else decides it."),
    approvals.ReasonMissingError: gettext_lazy("Say why: whoever ordered it reads the reason."),
    delegations.NotADeciderError: gettext_lazy(
        "You do not decide for your company, so nobody can stand in for you. Ask your company's admin."
    ),
    delegations.NoSuchColleagueError: gettext_lazy("Choose a colleague who works in your company and signs in."),
    delegations.NoTimeError: gettext_lazy("The time ends before it starts, or is over. Choose a later end."),
    delegations.DelegationOverError: gettext_lazy("This time was over before."),
    policies.NotAnAdminError: gettext_lazy("Your company's admins choose which orders are approved. Ask one of them."),
    policies.ValueMissingError: gettext_lazy("Say above how many points an order needs approval."),
}

_PAID_FROM: Mapping[str, Promise] = {
    Reward.PaidFrom.COMPANY: gettext_lazy(
        "This reward is now paid from the company's points alone. Nothing is booked; choose again how to pay."
    ),
    Reward.PaidFrom.EMPLOYEE: gettext_lazy(
        "This reward is now paid from one's own points alone. Nothing is booked; choose again how to pay."
    ),
}

_STANDS: Mapping[str, Promise] = {
    _State.REQUESTED: gettext_lazy("This order has not been approved yet. Approve it first."),
    _State.CLIENT_APPROVED: gettext_lazy("This order is approved by the company only. Approve it first."),
    _State.APPROVED: gettext_lazy("This order is approved already, and not ordered yet."),
    _State.ORDERED: gettext_lazy("This order is ordered already."),
    _State.DELIVERED: gettext_lazy("This order is delivered already."),
    _State.REJECTED: gettext_lazy("This order was rejected before."),
    _State.CANCELLED: gettext_lazy("This order was cancelled before."),
}


def sentence_of(error: Exception) -> str:
    """Return what to tell whoever a use case of orders, approvals or stand-ins has refused."""
    match error:
        case PriceChangedError(price=price):
            return _("The price has changed to %(price)s points. Nothing is booked; confirm it if you agree.") % {
                "price": number_format(price, force_grouping=True)
            }
        case InsufficientPointsError(available=available, wanted=wanted):
            return _missing(wanted - available)
        case ProgramOverError(last_day=last_day):
            text = _("The program is over: %(day)s was the last day to spend points in it. Nothing is booked.")
            return text % {"day": date_format(last_day, "DATE_FORMAT")}
        case NotPaidFromError(paid_from=paid_from):
            return str(_PAID_FROM[paid_from])
        case CannotCancelError(state=_State.ORDERED):
            return _("This order is on its way already, so it can no longer be cancelled here. Write to us about it.")
        case NotNowError(state=state):
            return str(_STANDS[state])
        case approvals.AlreadyDecidedError(approval=approval):
            return _decided(approval)
        case delegations.SomebodyStandsInError(delegation=delegation):
            return _stands_in(delegation)
        case _:
            return str(_SENTENCES.get(type(error)) or _("This page was used for another order. Start again."))


def _missing(points: int) -> str:
    text = ngettext(
        "%(missing)s point is missing. Nothing is booked.", "%(missing)s points are missing. Nothing is booked.", points
    )
    return text % {"missing": number_format(points, force_grouping=True)}


def _decided(approval: Approval | None) -> str:
    """Who was quicker, and when."""
    if approval is None or approval.decided_by is None or approval.decided_at is None:
        return _("There is nothing to decide any more.")
    said = {"name": approval.decided_by.name, "at": date_format(localtime(approval.decided_at), "DATETIME_FORMAT")}
    match approval.state:
        case Approval.State.APPROVED:
            return _("%(name)s approved this already (%(at)s). Nothing is left to do.") % said
        case Approval.State.REJECTED:
            return _("%(name)s rejected this already (%(at)s). Nothing is left to do.") % said
        case _:
            return _("This was cancelled on %(at)s, so nothing is left to decide.") % said


def _stands_in(delegation: Delegation) -> str:
    return _("%(name)s stands in for you already in a part of this time. End that first, or choose another time.") % {
        "name": delegation.delegate.name
    }
