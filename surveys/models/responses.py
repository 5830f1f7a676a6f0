"""Responses: what one person answered, kept as it goes and never changed once it is sent."""

from __future__ import annotations

from typing import Self

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Company, Employee
from accounts.scope import Actor, ScopedQuerySet
from accounts.text import validate_plain_text
from loyalty.models import Activity
from surveys.models.surveys import Item, Survey, SurveyVersion


class ResponseQuerySet(ScopedQuerySet["Response"]):
    """Responses; a person's own, and the vendor's program managers': a frank word is not for the own management."""

    company_lookup = ""

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(employee_id=actor.employee_id)


class Response(models.Model):
    """One person's answers to one survey, by the version that was published when it was begun.

    `activity` is what the engine judged when the response was sent; the points hang on it, once (law S1).
    """

    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="responses")
    version = models.ForeignKey(SurveyVersion, on_delete=models.PROTECT, related_name="responses")
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="survey_responses")
    employee = models.ForeignKey(Employee, on_delete=models.PROTECT, related_name="survey_responses")
    started_at = models.DateTimeField(_("begun"))
    submitted_at = models.DateTimeField(_("sent"), null=True)
    activity = models.OneToOneField(Activity, on_delete=models.PROTECT, null=True, related_name="survey_response")

    objects = ResponseQuerySet.as_manager()

    class Meta:
        verbose_name = _("response")
        verbose_name_plural = _("responses")
        indexes = [models.Index(fields=["employee", "-submitted_at"], name="survey_response_of_employee")]
        constraints = [
            # A person who answers twice counts twice, and is paid twice (law S1).
            models.UniqueConstraint(fields=["survey", "employee"], name="survey_response_once_a_person"),
            # Sent without an activity nobody was paid; with one but not sent it could be sent, and paid, again (S1).
            models.CheckConstraint(
                condition=Q(submitted_at__isnull=True, activity__isnull=True)
                | Q(submitted_at__isnull=False, activity__isnull=False),
                name="survey_response_sent_has_activity",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="sent_is_immutable",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF OLD.submitted_at IS NOT NULL
                       OR (TG_OP = 'UPDATE'
                           AND (NEW.survey_id, NEW.version_id, NEW.company_id, NEW.employee_id, NEW.started_at)
                               IS DISTINCT FROM
                               (OLD.survey_id, OLD.version_id, OLD.company_id, OLD.employee_id, OLD.started_at))
                    THEN
                        RAISE EXCEPTION 'response % stays as it is', OLD.id
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'survey_response_sent_is_immutable';
                    END IF;
                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="belongs_together",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NOT EXISTS (SELECT FROM surveys_surveyversion
                                   WHERE id = NEW.version_id AND survey_id = NEW.survey_id AND status <> 'DRAFT')
                       OR NOT EXISTS (SELECT FROM accounts_employee
                                      WHERE id = NEW.employee_id AND company_id = NEW.company_id)
                    THEN
                        RAISE EXCEPTION 'a response is to a published version of its survey, by one of its company'
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'survey_response_belongs_together';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return gettext("Response %(number)s") % {"number": self.pk}


class AnswerQuerySet(ScopedQuerySet["Answer"]):
    """Answers; visible with their response."""

    company_lookup = ""

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(response__employee_id=actor.employee_id)


class Answer(models.Model):
    """What was answered to one item: codes of options, a number or words; nothing where it was passed by.

    Words are erasable for ever, as they may name people (law G1); nothing else changes once the response is sent.
    """

    response = models.ForeignKey(Response, on_delete=models.PROTECT, related_name="answers")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="answers")
    choices = ArrayField(models.SlugField(max_length=50), verbose_name=_("chosen"), blank=True, default=list)
    number = models.SmallIntegerField(_("number"), null=True, blank=True)
    text = models.TextField(_("words"), blank=True, validators=[validate_plain_text])

    objects = AnswerQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [
            # One person's answer counted twice.
            models.UniqueConstraint(fields=["response", "item"], name="survey_answer_once_an_item"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="sent_is_immutable",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                declare=[("line", "RECORD"), ("sent", "TIMESTAMPTZ"), ("asked", "BIGINT")],
                # FOR SHARE: an answer waits for a response that is being sent, and is refused then.
                func="""
                    IF TG_OP = 'DELETE' THEN line := OLD; ELSE line := NEW; END IF;
                    SELECT submitted_at, version_id INTO sent, asked FROM surveys_response
                    WHERE id = line.response_id FOR SHARE;
                    IF (TG_OP = 'UPDATE'
                        AND (NEW.id, NEW.response_id, NEW.item_id)
                            IS DISTINCT FROM (OLD.id, OLD.response_id, OLD.item_id))
                       OR (sent IS NOT NULL
                           AND NOT (TG_OP = 'UPDATE' AND NEW.text = ''
                                    AND (NEW.choices, NEW.number) IS NOT DISTINCT FROM (OLD.choices, OLD.number)))
                    THEN
                        RAISE EXCEPTION 'the answers of response % stay as they are', line.response_id
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'survey_response_sent_is_immutable';
                    END IF;
                    IF TG_OP = 'INSERT'
                       AND NOT EXISTS (SELECT FROM surveys_item WHERE id = NEW.item_id AND version_id = asked)
                    THEN
                        RAISE EXCEPTION 'item % is not asked by the version of response %', NEW.item_id, NEW.response_id
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'survey_answer_to_an_item_of_its_version';
                    END IF;
                    RETURN line;
                """,
            )
        ]

    def __str__(self) -> str:
        return gettext("Answer %(number)s") % {"number": self.pk}
