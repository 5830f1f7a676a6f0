"""The manager's screens: a survey is drawn up, published, closed; its results lead to the answers behind them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry, User
from loyalty.models import ActivityType
from surveys.models import Answer, Item, Response, Survey, SurveyVersion
from tests.client.pages import source_of
from tests.factories.canaries import fingerprint
from tests.factories.surveys import a_choice, a_scale, a_survey, a_text, a_version, answer, begin
from tests.factories.world import NOW, a_role, a_user, an_employee
from tests.surveys.conftest import Firm, SignIn

MOST_QUERIES = 20
HOUR = timedelta(hours=1)


def results(desk: Client, survey: Survey, **query: str) -> Any:
    return desk.get(reverse("admin:surveys_survey_results", args=[survey.pk]), query)


def text_of(response: Any) -> str:
    page = source_of(response)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.index('id="content"') :])).strip()


def test_survey_is_drawn_up_and_published_with_forms_alone(firm: Firm, desk: Client) -> None:
    added = desk.post(
        reverse("admin:surveys_survey_add"),
        {
            "program": firm.program.pk, "code": "new", "name": "New survey", "introduction": "", "minutes": "",
            "opens_at_0": "2020-01-01", "opens_at_1": "00:00", "closes_at_0": "", "closes_at_1": "", "audience": "{}",
        },
    )  # fmt: skip
    survey = Survey.objects.get(code="new")
    version = survey.versions.get()
    for fields in (
        {"code": "why", "kind": "CHOICE", "text": "Why?", "position": 1, "options": "The price\nkey = Our service\n"},
        {
            "code": "wish", "kind": "TEXT", "text": "A wish?", "position": 2,
            "show_if": '{"fact": "answer.why", "op": "eq", "value": "key"}',
        },
    ):  # fmt: skip
        item = {"version": version.pk, "measures": "NONE", "show_if": "{}", "options": "", "is_required": "on"}
        assert desk.post(reverse("admin:surveys_item_add"), {**item, **fields}).status_code == 302
    shown = text_of(desk.get(reverse("admin:surveys_surveyversion_change", args=[version.pk])))
    published = desk.post(reverse("admin:surveys_surveyversion_publish", args=[version.pk]))

    assert added.status_code == published.status_code == 302
    assert Item.objects.get(version=version, code="why").options == [
        {"code": "the-price", "label": "The price"},
        {"code": "key", "label": "Our service"},
    ]
    assert "A wish? text · asked: “Why?” is Our service" in shown
    assert "Why? choice · asked: always" in shown
    version.refresh_from_db()
    assert version.status == "PUBLISHED"
    assert ActivityType.objects.filter(code="survey-answered").exists()


def item_form(version: SurveyVersion, **fields: Any) -> dict[str, Any]:
    return {
        "version": version.pk, "position": 9, "code": "new", "kind": "CHOICE", "text": "New?", "options": "A\nB",
        "measures": "NONE", "show_if": "{}", **fields,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"options": ""}, None, "A choice needs options, and nothing else has any."),
        ({"options": "A\nA"}, "options", "Two options have the code “a”. Give one of them another: “code = Label”."),
        ({"options": "so so = A"}, "options", "“so so” is no code: letters, digits, hyphens and underscores only."),
        (
            {"options": "a = " + "x" * 151},
            "options",
            "Line 1: a code has at most 50 characters, a label from 1 to 150.",
        ),
        ({"options": "\n".join(map(str, range(31)))}, "options", "These are 31 options; 30 are the most that anybody"),
        ({"options": "exe\u202egpj"}, "options", "Remove the invisible character U+202E"),
        ({"kind": "SCALE", "options": "", "low": 3, "high": 1}, None, "A scale goes from a lower to a higher number"),
        ({"kind": "SCALE", "options": "", "low": 1, "high": 5, "measures": "NPS"}, None, "Satisfaction is measured on"),
        ({"show_if": '{"fact": "answer.late", "op": "eq", "value": 1}'}, "show_if", "There is no fact 'answer.late'"),
        (
            {"show_if": '{"all": [{"fact": "answer.recommend", "op": "eq", "value": "x"}]}'},
            "show_if",
            "all[0]: 'answer.recommend' is compared with a number, not the text 'x'.",
        ),
        ({"show_if": "[]"}, "show_if", "A condition is an object, not a list."),
        (
            {"show_if": '{"fact": "answer.easy",\n "op" "lte"}'},
            "show_if",
            "This is not JSON: it cannot be read from line 2, character 7 on. Look there for a missing quotation mark, "
            "comma or bracket.",
        ),
        ({"code": "wish"}, None, "Another question of this version has this code."),
        ({"text": "a\0b"}, "text", "Null characters are not allowed."),
    ],
)
def test_question_that_cannot_be_put_is_refused_beside_its_field(
    firm: Firm, desk: Client, fields: dict[str, Any], field: str | None, sentence: str
) -> None:
    draft = a_version(firm.survey)
    Item.objects.create(version=draft, position=10, **a_scale("late"))
    before = fingerprint()

    refused = desk.post(reverse("admin:surveys_item_add"), item_form(draft, **fields))

    errors = refused.context["adminform"].form.errors.get(field or "__all__", [])
    assert [error[: len(sentence)] for error in errors] == [sentence]
    assert fingerprint() == before


def test_options_are_shown_a_line_each_and_an_unchanged_form_changes_nothing(firm: Firm, desk: Client) -> None:
    draft = a_version(firm.survey)
    item = Item.objects.get(version=draft, code="why")
    address = reverse("admin:surveys_item_change", args=[item.pk])

    shown = source_of(desk.get(address))

    assert "price = The price\nservice = The service\nother = Something else" in shown
    field = desk.get(address).context["adminform"].form.fields["options"]
    assert not field.has_changed(item.options, field.prepare_value(item.options))


def test_new_question_stands_last(firm: Firm, desk: Client) -> None:
    draft = a_version(firm.survey)

    page = desk.get(reverse("admin:surveys_item_add"), {"version": draft.pk})

    assert page.context["adminform"].form.initial["position"] == 4


def test_published_question_is_read_only_and_says_why(firm: Firm, desk: Client) -> None:
    item = Item.objects.get(code="why")
    before = fingerprint()

    shown = desk.get(reverse("admin:surveys_item_change", args=[item.pk]))
    posted = desk.post(reverse("admin:surveys_item_change", args=[item.pk]), item_form(item.version))
    deleted = desk.post(reverse("admin:surveys_item_delete", args=[item.pk]), {"post": "yes"})

    assert "Version 1 was published, so its questions stay." in source_of(shown)
    assert 'name="_save"' not in source_of(shown)
    assert (posted.status_code, deleted.status_code) == (403, 403)
    assert fingerprint() == before


def test_audience_is_checked_against_the_codes_that_exist(firm: Firm, desk: Client) -> None:
    a_role(firm.tom, "buyer")
    address = reverse("admin:surveys_survey_change", args=[firm.survey.pk])
    form = {"name": "Spring survey", "opens_at_0": "2020-01-01", "opens_at_1": "00:00"}

    wrong = desk.post(address, {**form, "audience": '{"fact": "employee.roles", "op": "has", "value": "byer"}'})
    right = desk.post(address, {**form, "audience": '{"fact": "employee.roles", "op": "has", "value": "buyer"}'})

    assert wrong.context["adminform"].form.errors == {
        "audience": ["'byer' is not a choice of 'employee.roles'; choose one of 'buyer'."]
    }
    assert right.status_code == 302
    assert "roles of the employee include Buyer" in text_of(desk.get(address))


def test_steps_ask_first_and_refusals_say_why(firm: Firm, desk: Client) -> None:
    published = SurveyVersion.objects.get()
    publish = reverse("admin:surveys_surveyversion_publish", args=[published.pk])
    before = fingerprint()

    asked = desk.get(reverse("admin:surveys_surveyversion_retire", args=[published.pk]))
    refused = desk.post(publish)

    assert "Nobody begins the survey any more until another version is published." in text_of(asked)
    assert refused.status_code == 409
    assert "Version 1 was published already. To change it, make a new draft from it." in text_of(refused)
    assert fingerprint() == before


def test_draft_is_made_published_and_taken_back_and_the_survey_closed(firm: Firm, desk: Client) -> None:
    first = SurveyVersion.objects.get()

    desk.post(reverse("admin:surveys_surveyversion_draft", args=[first.pk]))
    second = SurveyVersion.objects.get(number=2)
    desk.post(reverse("admin:surveys_surveyversion_publish", args=[second.pk]))
    desk.post(reverse("admin:surveys_surveyversion_retire", args=[second.pk]))
    desk.post(reverse("admin:surveys_survey_close", args=[firm.survey.pk]))

    states = SurveyVersion.objects.order_by("number").values_list("number", "status", "items__code")
    assert set(states) == {(number, "RETIRED", code) for number in (1, 2) for code in ("recommend", "why", "wish")}
    firm.survey.refresh_from_db()
    assert firm.survey.closes_at is not None


def test_buttons_are_those_of_the_state(firm: Firm, desk: Client) -> None:
    def labels(version: SurveyVersion) -> list[str]:
        page = desk.get(reverse("admin:surveys_surveyversion_change", args=[version.pk]))
        return [str(tool["label"]) for tool in page.context["tools"]]

    assert labels(a_version(firm.survey)) == ["Add a question", "Publish", "Make a new draft from it"]
    assert labels(SurveyVersion.objects.get(number=1)) == ["Make a new draft from it", "Take back"]


def test_viewer_reads_results_and_takes_no_step(firm: Firm, sign_in: SignIn) -> None:
    viewer = a_user(is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    browser = sign_in(viewer)
    version = SurveyVersion.objects.get()
    before = fingerprint()

    statuses = {
        browser.post(reverse(f"admin:surveys_{step}", args=[row.pk])).status_code
        for step, row in (
            ("surveyversion_publish", version),
            ("surveyversion_retire", version),
            ("surveyversion_draft", version),
            ("survey_close", firm.survey),
        )
    }

    assert statuses == {403}
    assert results(browser, firm.survey).status_code == 200
    assert fingerprint() == before


def test_staff_without_permission_see_no_results(firm: Firm, sign_in: SignIn) -> None:
    assert results(sign_in(a_user(is_staff=True)), firm.survey).status_code == 403


def test_results_count_who_was_asked_began_and_finished(firm: Firm, desk: Client) -> None:
    answer(firm.mia, firm.survey, recommend="3", why="price", wish="Faster")
    begin(firm.tom, firm.survey, recommend="10")
    an_employee(firm.mia.company)
    an_employee(firm.mia.company, login=False)

    page = text_of(results(desk, firm.survey))

    assert "Asked now 3 Begun 2 Finished 1" in page
    assert "1 person finished it" in page


def test_results_show_counts_scores_and_words(firm: Firm, desk: Client) -> None:
    survey = a_survey(
        firm.program,
        [
            a_scale("recommend", measures="NPS"),
            a_scale("content", low=1, high=5, measures="CSAT", is_required=False),
            a_choice("reasons", is_multiple=True),
            a_text("wish"),
        ],
    )
    people = [firm.mia, firm.tom, *(an_employee(firm.mia.company) for _ in range(4))]
    for number, person in enumerate(people):
        answer(
            person,
            survey,
            at=NOW + number * HOUR,
            recommend=["10", "9", "9", "8", "6", "9"][number],
            content=["5", "4", "3", "4", "5", ""][number],
            reasons=["price", "service"] if number % 2 else ["price"],
            wish=f"Wish {number}" if number < 3 else "",
        )

    page = text_of(results(desk, survey))

    # 4 promoters, 1 passive, 1 detractor of 6: 50; n' = 9, p = 4.75/9, d = 1.75/9, p - d = 1/3,
    # reach = 1.959964 x sqrt((0.722222 - 0.111111) / 9) = 0.510727: from -17.7 to 84.4.
    assert "NPS 50 , with 95 % confidence between -18 and 84" in page
    assert "4 promoters (9, 10), 1 passives (7, 8), 1 detractors (0 to 6)" in page
    assert "6 answers · mean 8.5" in page
    # 4 of 5 chose 4 or 5.
    assert "CSAT 80 % satisfied, with 95 % confidence between" in page
    assert "5 answers · 1 left it open · mean 4.2" in page
    assert re.search(r"The price 6 100% 100 % The service 3 50% 50 % Something else 0 0% 0 %", page)
    assert page.index("Wish 2") < page.index("Wish 1") < page.index("Wish 0")


def test_few_answers_are_shown_as_counts_only(firm: Firm, desk: Client) -> None:
    answer(firm.mia, firm.survey, recommend="9", wish="")

    page = text_of(results(desk, firm.survey))

    assert "NPS" not in page
    assert "mean" not in page.replace("A mean or a score", "")
    assert "Fewer than 5 answers: counts only." in page
    assert "9 1 100% 100 %" in page


def test_numbers_lead_to_the_rows_behind_them(firm: Firm, desk: Client) -> None:
    answer(firm.mia, firm.survey, recommend="3", why="price", wish="Faster")
    answer(firm.tom, firm.survey, recommend="9", wish="")
    begin(an_employee(firm.mia.company), firm.survey, recommend="9")
    page = source_of(results(desk, firm.survey)).replace("&amp;", "&")

    links = set(re.findall(r'href="(/admin/surveys/(?:answer|response)/\?[^"]+)"', page))
    counts = {link: desk.get(link).context["cl"].result_count for link in links}
    recommend, why = (Item.objects.get(code=code).pk for code in ("recommend", "why"))
    sent = "response__submitted_at__isempty=0"

    assert counts[f"/admin/surveys/response/?survey__exact={firm.survey.pk}"] == 3
    assert counts[f"/admin/surveys/response/?survey__exact={firm.survey.pk}&submitted_at__isempty=0"] == 2
    assert counts[f"/admin/surveys/answer/?item__exact={recommend}&{sent}"] == 2
    assert counts[f"/admin/surveys/answer/?item__exact={recommend}&{sent}&given=9"] == 1
    assert counts[f"/admin/surveys/answer/?item__exact={why}&{sent}&given=price"] == 1
    assert counts[f"/admin/surveys/answer/?item__exact={why}&{sent}&given=other"] == 0


def test_versions_have_results_of_their_own(firm: Firm, desk: Client) -> None:
    answer(firm.mia, firm.survey, recommend="3", why="price", wish="Faster")
    SurveyVersion.objects.update(status="RETIRED")
    a_version(firm.survey, [a_text("only")], status="PUBLISHED")
    answer(firm.tom, firm.survey, only="Slower")

    newest, first = results(desk, firm.survey), results(desk, firm.survey, version="1")
    nonsense = results(desk, firm.survey, version="x")

    assert "Slower" in text_of(newest)
    assert "Faster" not in text_of(newest)
    assert "Faster" in text_of(first)
    assert "Slower" not in text_of(first)
    assert text_of(newest)[-200:] == text_of(nonsense)[-200:]


def test_survey_that_was_never_published_has_no_results_yet(firm: Firm, desk: Client) -> None:
    draft = a_survey(firm.program, status="DRAFT")

    assert "No version was published yet, so nobody could answer." in text_of(results(desk, draft))
    assert results(desk, Survey(pk=987_654_321)).status_code == 404


def test_words_of_clients_are_text_and_never_markup(firm: Firm, desk: Client) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    answer(firm.mia, firm.survey, recommend="9", wish=nasty)

    assert nasty not in source_of(results(desk, firm.survey))
    assert nasty not in source_of(desk.get(reverse("admin:surveys_answer_changelist")))


def test_response_shows_its_answers_in_words(firm: Firm, desk: Client) -> None:
    sent = answer(firm.mia, firm.survey, recommend="3", why="price", wish="Faster")

    page = text_of(desk.get(reverse("admin:surveys_response_change", args=[sent.response.pk])))

    assert "The price" in page
    assert "Faster" in page
    assert f"survey-{firm.survey.pk}-{firm.mia.pk}" in page


@pytest.mark.parametrize("given", ["\0", "9" * 50, "'", "-", "³"])
def test_filter_by_nonsense_finds_nothing_and_breaks_nothing(firm: Firm, desk: Client, given: str) -> None:
    answer(firm.mia, firm.survey, recommend="3", why="price", wish="Faster")

    answered = desk.get(reverse("admin:surveys_answer_changelist"), {"given": given}, follow=True)

    assert answered.status_code == 200


def test_results_cost_the_same_with_ten_times_the_answers(firm: Firm, desk: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert results(desk, firm.survey).status_code == 200
        return len(captured)

    answer(firm.mia, firm.survey, recommend="3", why="price", wish="Faster")
    cost()
    few = cost()
    for _number in range(10):
        answer(an_employee(firm.mia.company), firm.survey, recommend="3", why="price", wish="Faster")

    assert cost() == few <= MOST_QUERIES
    assert Response.objects.count() == 11
    assert Answer.objects.count() == 33


def test_manager_behind_a_step_is_on_record(firm: Firm, desk: Client, manager: User) -> None:
    desk.post(reverse("admin:surveys_survey_close", args=[firm.survey.pk]))

    page = text_of(desk.get(reverse("admin:surveys_survey_history", args=[firm.survey.pk])))

    assert "Maxine Manager" in page
    entry = AuditEntry.objects.get(action="survey-closed")
    assert (entry.actor, entry.subject_id) == (manager, firm.survey.pk)
