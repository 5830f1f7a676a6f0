"""What this floor holds of a person: answers. Words are erased; what was chosen counts on, under a number."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from accounts import subjects
from accounts.models import Employee
from accounts.subjects import Part, Row
from surveys.models import Answer, Response


def register() -> None:
    """Make the part known."""
    subjects.register(
        Part(
            "surveys",
            _("Your answers"),
            _answers,
            _erase_words,
            _("What you chose on scales and lists, under the number that takes the place of your name; no words."),
        )
    )


def _answers(employee: Employee) -> Iterable[Row]:
    for response in Response.objects.filter(employee=employee).select_related("survey").order_by("pk"):
        yield {
            "survey": response.survey.name,
            "begun_at": response.started_at,
            "sent_at": response.submitted_at,
            "answers": [
                {"question": answer.item.text, "chosen": answer.choices, "number": answer.number, "words": answer.text}
                for answer in response.answers.select_related("item").order_by("pk")
            ],
        }


def _erase_words(employee: Employee) -> None:
    Answer.objects.filter(response__employee=employee).exclude(text="").update(text="")
