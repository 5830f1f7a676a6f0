"""What a draft of rules has to show before it is put in force: its examples come true, and history was replayed."""

from django.utils.translation import gettext as _

from loyalty.examples import run_examples
from loyalty.models import Evaluation, Example, RuleSet
from loyalty.replaying import latest_replay
from loyalty.versions import VersionError


class ExampleFailsError(VersionError):
    """An example of the program does not come true with the draft."""


class NotProvenError(VersionError):
    """There are no examples, or what happened was not replayed since the last edit."""


def require_examples_met(draft: RuleSet) -> None:
    """Refuse a draft with which an example of its program fails; the sentence says which one and how."""
    for ran in run_examples(draft):
        if not ran.is_met:
            raise ExampleFailsError(ran.in_words())


def missing_proofs(draft: RuleSet) -> list[str]:
    """Return what a draft has not shown yet, a sentence each, with the place to go to."""
    missing = []
    if not Example.objects.filter(program=draft.program_id).exists():
        missing.append(
            _("“%(program)s” has no examples. Say in at least one what a client gets: “Examples”, then “Add”.")
            % {"program": draft.program}
        )
    if Evaluation.objects.filter(program=draft.program_id).exists() and latest_replay(draft) is None:
        missing.append(
            _("Version %(version)s was not replayed since its last edit. Choose “Replay history” and read it.")
            % {"version": draft.version}
        )
    return missing


def require_proven(draft: RuleSet) -> None:
    """Refuse a draft that has not shown what it does. Raises NotProvenError or ExampleFailsError."""
    if missing := missing_proofs(draft):
        raise NotProvenError(" ".join(missing))
    require_examples_met(draft)
