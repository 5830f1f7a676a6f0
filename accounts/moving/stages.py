"""How far an import is, told from its jobs and its approval."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from accounts.models import Approval, Import, Job


class Stage(TextChoices):
    """How far an import is."""

    UPLOADED = "UPLOADED", _("uploaded: say what its columns mean")
    CHECKING = "CHECKING", _("dry run")
    NOT_CHECKED = "NOT_CHECKED", _("the dry run stopped")
    CHECKED = "CHECKED", _("dry run done")
    WAITING = "WAITING", _("waits for approval")
    REFUSED = "REFUSED", _("refused by a second person")
    GOING = "GOING", _("goes in")
    STOPPED = "STOPPED", _("stopped on the way in")
    DONE = "DONE", _("moved in")
    DELETED = "DELETED", _("deleted: its time was over")


def stage_of(import_: Import) -> Stage:
    """Return how far an import is; its jobs and its approval are read with it."""
    go, check, approval = import_.go_job, import_.check_job, import_.approval
    if go is not None:
        if go.is_open:
            return Stage.GOING
        return Stage.DONE if go.state == Job.State.DONE else Stage.STOPPED
    if import_.file_id is None:
        return Stage.DELETED
    if approval is not None:
        return Stage.WAITING if approval.state == Approval.State.WAITING else Stage.REFUSED
    if check is None:
        return Stage.UPLOADED
    if check.is_open:
        return Stage.CHECKING
    return Stage.CHECKED if check.state == Job.State.DONE else Stage.NOT_CHECKED
