"""The world of an installation that is killed: 64 people with points to spend, and a client of the API. Prints JSON."""

import json
import os
import sys

import django

PEOPLE, PRICE, EARNED = 64, 7, 10_000


def main() -> None:
    """Make it and say what it is called by."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "loyalty.site.settings"
    django.setup()
    from tests.factories.callers import a_caller
    from tests.factories.world import (
        a_company,
        a_member,
        a_program,
        a_purchase,
        a_reward,
        a_rule_set,
        a_source,
        an_employee,
        consent_to,
        record,
    )

    program = a_program(code="club")
    a_rule_set(program, [{"code": "spend", "beneficiary": "BOTH"}])
    membership = a_member(program, a_company(external_id="C-1"))
    consent_to(membership)
    a_reward(program, code="mug", price=PRICE, pieces=1_000_000)
    people = [an_employee(membership.company, external_id=f"E-{number}") for number in range(PEOPLE)]
    record(*(a_purchase(membership.company, EARNED, employee_id=person.pk) for person in people))
    caller = a_caller(sources=[a_source("erp")], requests_a_minute=1_000_000)
    sys.stdout.write(json.dumps({"token": caller.token, "people": [person.external_id for person in people]}) + "\n")


if __name__ == "__main__":
    main()
