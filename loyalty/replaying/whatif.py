"""What an activity would bring that has not happened: judged as things stand, with what is left of every limit."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.utils.translation import gettext as _

from accounts import arrays
from accounts.actors import Actor
from loyalty.activities.configuration import Configuration, configuration
from loyalty.activities.dated import Enrolment
from loyalty.activities.items import ActivityItem, Arrival, Batch, ItemError, Known, read_attributes
from loyalty.activities.judging import Books, Judging
from loyalty.activities.scene import Scene, look_at
from loyalty.earning import Beneficiary, Verdict
from loyalty.effects import EffectBook, effects
from loyalty.explaining import PlainVerdict, in_sight, promotions_in_words, verdicts_from
from loyalty.ledger import CapKey
from loyalty.ledger.caps import BlankCaps
from loyalty.models import Membership, Source
from loyalty.replaying.books import NothingRecorded, NoWallets
from loyalty.standing import StandingBoard
from loyalty.vocabulary import Vocabulary

_USED = """
    SELECT program_id, rule_code, subject, subject_id, period, period_start, object, used FROM loyalty_capusage
    WHERE program_id = %s AND ((subject = 'COMPANY' AND subject_id = %s) OR (subject = 'PROGRAM' AND subject_id = %s)
                               OR (subject = 'EMPLOYEE' AND subject_id = ANY(%s::bigint[])))"""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What it would bring to the company and to its people, and what every rule says; or why that cannot be told."""

    company_points: int = 0
    person_points: int = 0
    verdicts: tuple[PlainVerdict, ...] = ()
    fault: str = ""


def scene_of(membership: Membership, known: Configuration) -> Scene:
    """Return what is known of a member, for questions about it; one query where it has neither terms nor promotions."""
    row = Enrolment(
        membership.starts_at, membership.ends_at, membership.pk, membership.company_id, membership.program_id,
        membership.has_one_wallet,
    )  # fmt: skip
    return look_at(known, [row])


def what_if(
    membership: Membership, item: ActivityItem, actor: Actor, *, now: datetime, scene: Scene | None = None
) -> WhatIf:
    """Return what an activity of a member would bring if it happened, and why; nothing is written, nothing locked.

    The `scene` is `scene_of` the membership, where it is at hand; then five queries. Points are those of wallets that
    the actor sees; of rules for the company alone, whoever does not see the company's points is not told.
    """
    known = configuration() if scene is None else scene.configuration
    type_id = known.types.get(item.type)
    if type_id is None:
        return WhatIf(fault=_("There is no activity type “%s”.") % item.type)
    read = read_attributes(item, known.attributes.get(type_id, {}))
    if isinstance(read, ItemError):
        return WhatIf(fault=f"{read.field}: {read.sentence}")
    if not membership.holds_at(item.occurred_at):
        return WhatIf(fault=_("The company is no member of the program on that day."))
    scene = scene or scene_of(membership, known)
    supposing = _Supposing(scene, _books(scene, known, membership, item, now=now), now=now)
    return supposing.say(membership, Arrival(0, item, type_id, b"", read, 1), actor)


def _books(scene: Scene, known: Configuration, membership: Membership, item: ActivityItem, *, now: datetime) -> Books:
    """Books that begin where things stand."""
    caps = BlankCaps()
    shared_id = known.shared_id(membership.program_id, membership.company_id)
    ids = membership.program_id, membership.company_id, shared_id, [*item.people]
    caps.begin_with({CapKey(*row[:-1]): row[-1] for row in arrays.fetch(_USED, *ids)})
    board = StandingBoard()
    plan = known.plans[membership.program_id].of_member(
        membership.starts_at, scene.segments.get(membership.company_id, ())
    )
    board.open([(membership.pk, membership.company_id, plan)], first_at=min(item.occurred_at, now))
    books = Books(caps, NoWallets(now=now, programs=()), board, NothingRecorded(known))
    books.effects = _OnDemand(membership.pk)
    return books


class _OnDemand(dict[str, EffectBook]):
    """Books of what a member holds beside points, each opened where a rule gives something of its kind."""

    def __init__(self, membership_id: int) -> None:
        super().__init__()
        self._membership_id = membership_id

    def __missing__(self, kind: str) -> EffectBook:
        self[kind] = book = effects()[kind].book()
        book.open([self._membership_id])
        return book


class _Supposing(Judging):
    """Judges one activity of one member."""

    def __init__(self, scene: Scene, books: Books, *, now: datetime) -> None:
        batch = Batch(Source(code=""), now, Known(scene.configuration, {}, {}))
        super().__init__(batch, scene, (), books)

    def say(self, membership: Membership, arrival: Arrival, actor: Actor) -> WhatIf:
        """Return what it brings and why."""
        [enrolment] = [
            row
            for row in self._scene.memberships_at(membership.company_id, arrival.item.occurred_at)
            if row.id == membership.pk
        ]
        judgement = self._judge_in(enrolment, arrival, depth=2)
        granted: dict[str, int] = {}
        points = [0, 0]
        for judged in judgement.awards:
            if _sees(actor, membership, judged.award.owner.employee_id):
                granted[judged.rule_code] = granted.get(judged.rule_code, 0) + judged.award.granted
                points[judged.award.owner.employee_id is not None] += judged.award.granted
        for favour in judgement.favours:
            if _sees(actor, membership, favour.employee_id):
                granted[favour.rule_code] = granted.get(favour.rule_code, 0) + 1
        evaluation = self._evaluations[0]
        if evaluation.rule_set_id is None:
            return WhatIf(fault=_("No rules of the program are in force on that day."))
        rules = self._configuration.rules_of(evaluation.rule_set_id, arrival.type_id, evaluation.agreement_id).rules
        sees_company = not actor.is_employee or actor.sees_company
        if not sees_company:
            rules = tuple(rule for rule in rules if rule.beneficiary is not Beneficiary.COMPANY)
        promotions = self._scene.promotions_of(self._scene.doer(enrolment, arrival.item))
        told = promotions_in_words([promotion.id for promotion in promotions], actor) if promotions else {}

        def said_with(verdict: Verdict, reason: str) -> str:
            added = {gift.promotion.id for gift in verdict.gifts if gift.promotion and gift.from_promotion}
            return " ".join([reason, *(told[promotion_id] for promotion_id in sorted(added) if promotion_id in told)])

        verdicts = verdicts_from(
            evaluation.facts,
            rules,
            activity_type=self._configuration.kinds[arrival.type_id],
            program=membership.program,
            rule_set_id=evaluation.rule_set_id,
            granted=granted,
            promotions=promotions,
            person_id=arrival.item.employee_id,
            said_with=said_with,
            in_sight=partial(in_sight, doer_id=arrival.item.employee_id, actor=actor),
            words=Vocabulary(self._configuration.attributes),
        )
        return WhatIf(points[0], points[1], tuple(verdicts))


def _sees(actor: Actor, membership: Membership, employee_id: int | None) -> bool:
    """Whether the actor sees what goes to a person, or to the company (None): as for wallets (law T1)."""
    if not actor.is_employee or actor.is_company_admin:
        return True
    if employee_id is None:
        return actor.sees_company or membership.has_one_wallet
    return employee_id == actor.employee_id
