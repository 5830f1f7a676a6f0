"""Ways to a tier beside earning it: by choice, by invitation, for a fee, by agreement; and a floor kept by hand."""

from loyalty.titles.acts import NotYoursToDecideError, TitleError, end_of_day_after, end_title, give_by_hand
from loyalty.titles.choosing import choose, give_up
from loyalty.titles.conditions import enrolment_catalogue, unmet
from loyalty.titles.inviting import accept, decline, invite, withdraw_invitation
from loyalty.titles.offers import Offer, TitleNow, invitation_to, offers_of, title_now, titles_now
from loyalty.titles.paying import cancel, record_payment, subscribe
from loyalty.titles.reminding import remind_of_fees

__all__ = [
    "NotYoursToDecideError",
    "Offer",
    "TitleError",
    "TitleNow",
    "accept",
    "cancel",
    "choose",
    "decline",
    "end_of_day_after",
    "end_title",
    "enrolment_catalogue",
    "give_by_hand",
    "give_up",
    "invitation_to",
    "invite",
    "offers_of",
    "record_payment",
    "remind_of_fees",
    "subscribe",
    "title_now",
    "titles_now",
    "unmet",
    "withdraw_invitation",
]
