"""What people want to be told, and where: without a word of theirs a topic's own default holds."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from accounts.models import NotificationPreference

Topic = NotificationPreference.Topic
Channel = NotificationPreference.Channel


class Switch(NamedTuple):
    """One thing that can be switched on or off: a topic on a channel."""

    topic: str
    channel: str


SWITCHES = tuple(Switch(topic, channel) for topic in Topic.values for channel in Channel.values)

WANTED_BY_DEFAULT = frozenset(
    switch for switch in SWITCHES if switch.channel == Channel.INBOX or switch.topic in (Topic.ORDERS, Topic.POINTS)
)
"""Everything stands in the inbox; e-mail goes out on what one waits for or could lose."""


class NoSuchSwitchError(ValueError):
    """A topic or a channel that there is none of."""


def preferences_of(employee_id: int) -> Mapping[Switch, bool]:
    """Return for every switch whether the person wants it; one query."""
    rows = NotificationPreference.objects.filter(employee=employee_id)
    said = {Switch(topic, channel): is_wanted for topic, channel, is_wanted in rows.values_list(
        "topic", "channel", "is_wanted"
    )}  # fmt: skip
    return {switch: said.get(switch, switch in WANTED_BY_DEFAULT) for switch in SWITCHES}


def set_preferences(*, employee_id: int, wanted: Collection[Switch]) -> None:
    """Keep what somebody wants to be told: the switches in `wanted` are on, all others off.

    Raises NoSuchSwitchError; then nothing has changed.
    """
    if not set(SWITCHES).issuperset(wanted):
        raise NoSuchSwitchError
    NotificationPreference.objects.bulk_create(
        [
            NotificationPreference(
                employee_id=employee_id, topic=switch.topic, channel=switch.channel, is_wanted=switch in wanted
            )
            for switch in SWITCHES
        ],
        update_conflicts=True,
        unique_fields=["employee", "topic", "channel"],
        update_fields=["is_wanted"],
    )


def who_wants(topic: str, employee_ids: Iterable[int]) -> Mapping[str, set[int]]:
    """Return for every channel those of `employee_ids` who want to hear of `topic` there; one query.

    A topic of "" is what nobody can switch off.
    """
    everybody = set(employee_ids)
    if not topic or not everybody:
        return {channel: set(everybody) for channel in Channel.values}
    wanting = {
        channel: set(everybody) if Switch(topic, channel) in WANTED_BY_DEFAULT else set() for channel in Channel.values
    }
    rows = NotificationPreference.objects.filter(topic=topic, employee__in=everybody)
    for employee_id, channel, is_wanted in rows.values_list("employee_id", "channel", "is_wanted"):
        if is_wanted:
            wanting[channel].add(employee_id)
        else:
            wanting[channel].discard(employee_id)
    return wanting


def switch_off(*, employee_id: int, switch: Switch) -> None:
    """Tell somebody of one topic on one channel no more; twice does nothing. Raises NoSuchSwitchError."""
    if switch not in SWITCHES:
        raise NoSuchSwitchError
    NotificationPreference.objects.update_or_create(
        employee_id=employee_id, topic=switch.topic, channel=switch.channel, defaults={"is_wanted": False}
    )
