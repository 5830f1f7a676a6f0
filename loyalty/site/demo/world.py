"""How the demo's world comes about: through the same use cases as in real life, day by day."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.mail import leave_to_the_past
from accounts.models import Scope, User
from accounts.service_clients import create_client
from loyalty.books import close_books
from loyalty.models import Program, Source
from loyalty.rulesets import draft_from
from loyalty.site.demo.business import do_business
from loyalty.site.demo.calendar import Calendar
from loyalty.site.demo.care import enjoy_benefits, plan_next_version
from loyalty.site.demo.firms import FIRMS
from loyalty.site.demo.goals import look_at_goals
from loyalty.site.demo.letters import invite_somebody
from loyalty.site.demo.orders import give_by_hand, go_shopping, pass_points_on
from loyalty.site.demo.program import PROGRAM_CODE, create_program
from loyalty.site.demo.service import keep_in_touch, read_the_inbox
from loyalty.site.demo.settling import PASSWORD, agree_on_words, hire, settle
from loyalty.site.demo.small_programs import run_small_programs
from loyalty.site.demo.voice import ask

__all__ = ["CLIENT_ID", "LOGINS", "PASSWORD", "is_loaded", "load"]

LOGINS = (
    ("Program manager", "manager@demo.example"),
    ("Second manager", "approver@demo.example"),
    ("Account manager", "account@demo.example"),
    ("Company admin", "admin@demo.example"),
    ("Employee", "employee@demo.example"),
)
CLIENT_ID = "demo-erp"
WEEKS = 26


def is_loaded() -> bool:
    """Whether the demo's program is there."""
    return Program.objects.filter(code=PROGRAM_CODE).exists()


def load(*, now: datetime) -> None:
    """Make the world, with half a year of business up to `now`; the same world whenever it is made."""
    begin = (now - timedelta(weeks=WEEKS)).replace(hour=8, minute=0, second=0, microsecond=0)
    with transaction.atomic():
        staff, words = hire(), agree_on_words()
        program = create_program(by=staff.manager, starts_at=begin - timedelta(days=1))
        source = Source.objects.create(code="erp", name="ERP", kind=Source.Kind.API)
        _let_in(source, staff.manager, now)
        firms = [settle(firm, program, staff, words, now) for firm in FIRMS]
        run_small_programs(firms, starts_at=begin - timedelta(days=1))
        calendar = Calendar(until=now)
        keep_in_touch(calendar, firms)
        go_shopping(calendar, firms, staff)
        give_by_hand(calendar, {settled.firm.number: settled for settled in firms}, staff)
        pass_points_on(calendar, firms[0])
        ask(calendar, program, firms, staff)
        enjoy_benefits(calendar, firms, staff)
        do_business(calendar, firms, source, begin)
        look_at_goals(calendar, program, staff.manager, begin)
        read_the_inbox(calendar, firms)
        calendar.live()
        close_books(now=now)
        plan_next_version(program, staff.manager, now=now)
        draft_from(rule_set=program.rule_sets.get(), by=staff.manager, now=now)
        leave_to_the_past(until=now)
        invite_somebody(staff, now)


def _let_in(source: Source, by: User, now: datetime) -> None:
    """The ERP calls the API as other systems do; its id and secret are known, as all logins of the demo are."""
    made = create_client(name="ERP", scopes=list(Scope), by=by, now=now, client_id=CLIENT_ID, secret=PASSWORD)
    source.service_clients.add(made.client)
