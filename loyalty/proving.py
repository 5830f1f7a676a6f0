"""What a draft of rules has to show before it is put in force: its examples come true, and history was replayed."""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from loyalty.examples import run_examples
from loyalty.models import Evaluation, Example, RuleSet
from loyalty.replaying import latest_replay
from loyalty.versions import VersionError


class ExampleFailsError(VersionError):
    """An example of the program does not come true with the draft."""


class NotProvenError(VersionError):
    """There are no examples, or what happened was not replayed since the last edit."""


class Way(StrEnum):
    """The page on which a draft shows something."""

    EXAMPLES = "EXAMPLES"
    REPLAY = "REPLAY"


@dataclass(frozen=True, slots=True)
class MissingProof:
    """What a draft has not shown yet, in a sentence, and where it can."""

    sentence: str
    way: Way

    def __str__(self) -> str:
        return self.sentence


def require_examples_met(draft: RuleSet) -> None:
    """Refuse a draft with which an example of its program fails; the sentence says which one and how."""
    for ran in run_examples(draft):
        if not ran.is_met:
            raise ExampleFailsError(ran.in_words())


def missing_proofs(draft: RuleSet) -> list[MissingProof]:
    """Return what a draft has not shown yet, a sentence each, with the place to go to."""
    missing = []
    if not Example.objects.filter(program=draft.program_id).exists():
        sentence = _("“%(program)s” has no examples. Say in at least one what a client gets.")
        missing.append(MissingProof(sentence % {"program": draft.program}, Way.EXAMPLES))
    if Evaluation.objects.filter(program=draft.program_id).exists() and latest_replay(draft) is None:
        sentence = _("Version %(version)s was not replayed since its last edit. Replay history, and read what it says.")
        missing.append(MissingProof(sentence % {"version": draft.version}, Way.REPLAY))
    return missing


def require_proven(draft: RuleSet) -> None:
    """Refuse a draft that has not shown what it does. Raises NotProvenError or ExampleFailsError."""
    if missing := missing_proofs(draft):
        raise NotProvenError(" ".join(map(str, missing)))
    require_examples_met(draft)
