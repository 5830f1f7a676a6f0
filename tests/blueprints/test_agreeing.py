"""What is worked out in memory is what is posted: questions and replays say what every shipped example brings."""

from collections.abc import Iterator

import pytest
from django.db import transaction

from accounts.actors import actor_of
from accounts.models import User
from loyalty.examples import Running, with_draft
from loyalty.examples import found as posted
from loyalty.examples.clients import MadeUp
from loyalty.models import Activity, Award, Example, ExampleStep, Program, RuleSet, Source
from loyalty.replaying import WhatIf, suppose, what_if
from loyalty.site.blueprints import SHIPPED, Shipped, load, read
from loyalty.vocabulary import Vocabulary
from tests.factories.world import EPOCH, NOW

pytestmark = pytest.mark.django_db


class Asking(Running):
    """An example before each step of which it is asked what that would bring."""

    def __init__(self, by: User, example: Example, program: Program, draft: RuleSet) -> None:
        with with_draft(draft) as known:
            super().__init__(example, program, known, Vocabulary())
        self._by = by
        self.told: dict[str, WhatIf] = {}

    def happen(self, step: ExampleStep, client: MadeUp) -> None:
        """Ask, then let it happen; a return is no question."""
        first = self.items(step, client)[0]
        if not step.undoes:
            self.told[first.external_id] = what_if(
                client.membership, first, actor_of(self._by, now=first.occurred_at), now=first.occurred_at
            )
        super().happen(step, client)


def brought(company_id: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """What each activity of a company brought it and its people at first."""
    for activity in Activity.objects.filter(company=company_id):
        awards = Award.objects.filter(activity=activity).select_related("wallet")
        company = sum(award.granted for award in awards if award.wallet.employee_id is None)
        yield activity.external_id, (company, sum(award.granted for award in awards) - company)


@pytest.mark.parametrize("one", SHIPPED, ids=lambda one: one.code)
def test_questions_and_replays_say_what_every_example_really_brings(one: Shipped, by: User) -> None:
    loaded = load(document=read(one.read()), by=by, now=NOW)
    draft = loaded.rule_set
    assert draft is not None
    asked = 0
    for example in loaded.program.examples.prefetch_related("steps__activity_type"):
        running = Asking(by, example, loaded.program, draft)
        with transaction.atomic(), with_draft(draft):
            ran = running.run()
            client = running.client
            assert client is not None
            assert ran.expectations
            assert ran.in_words() == ""

            really = dict(brought(client.company_id))
            asked += len(running.told)
            for external_id, told in running.told.items():
                assert (told.fault, told.company_points, told.person_points) == ("", *really[external_id]), external_id

            Source.objects.create(pk=-client.company_id, code="example", name="Example")
            end = ran.steps[-1].at
            replayed = suppose(draft, from_=EPOCH, now=end)
            points = {of: points for (_company, of), points in replayed.side.people.items() if points}
            totals = {
                None: sum(step.company_points for step in ran.steps),
                client.person_id: sum(step.person_points for step in ran.steps),
            }
            assert points == {of: total for of, total in totals.items() if total}
            assert (replayed.tiers.get(client.company_id) or "") == posted.tier(client, at=end)
            transaction.set_rollback(True)
    assert asked >= len(loaded.program.examples.all())
