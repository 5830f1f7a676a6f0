"""The client's pages that span floors: home, points, what to earn, the inbox, and the company's own pages."""

from loyalty.site.views.client.company import company
from loyalty.site.views.client.consent import consent, withdraw
from loyalty.site.views.client.earn import earn
from loyalty.site.views.client.home import home
from loyalty.site.views.client.inbox import inbox, open_one, read_all
from loyalty.site.views.client.more import more
from loyalty.site.views.client.people import add, invite_person, people, person, revoke_invitation, switch
from loyalty.site.views.client.points import points, why

__all__ = [
    "add",
    "company",
    "consent",
    "earn",
    "home",
    "inbox",
    "invite_person",
    "more",
    "open_one",
    "people",
    "person",
    "points",
    "read_all",
    "revoke_invitation",
    "switch",
    "why",
    "withdraw",
]
