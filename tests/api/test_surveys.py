"""`/surveys/`: results in numbers, for clients that serve everybody."""

import pytest

from tests.factories.callers import a_caller
from tests.factories.canaries import CanaryWorld

pytestmark = pytest.mark.django_db


def test_results_are_numbers_without_words_for_clients_that_serve_all(world: CanaryWorld) -> None:
    everybody, some = a_caller(), a_caller(companies=[world.a.company])
    code = world.a.survey.code

    listed = everybody.get("/surveys/").json()["items"]
    results = everybody.get(f"/surveys/{code}/results/")

    assert code in {row["survey"] for row in listed}
    assert results.status_code == 200
    assert results.json()["finished"] == 1
    assert {item["answered"] for item in results.json()["items"]} == {1}
    assert some.get("/surveys/").json()["items"] == []
    assert some.get(f"/surveys/{code}/results/").status_code == 404
    assert everybody.get(f"/surveys/{world.a.draft_survey.code}/results/").status_code == 404
