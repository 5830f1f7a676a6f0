"""Single activities by eight clients at once, in windows that stand next to windows of the yardstick."""

import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from allauth.idp.oidc.adapter import get_adapter
from allauth.idp.oidc.models import Token
from django.core.wsgi import get_wsgi_application
from django.utils import timezone

from accounts.models import Scope
from accounts.service_clients import create_client
from loyalty.activities import ActivityItem, Outcome, Status, record_activities
from loyalty.api.arriving import MOST_ITEMS
from loyalty.gathering import Gathering
from loyalty.models import Source
from loyalty.site.bench.clients import ClientError, Unit, clients
from loyalty.site.bench.club import Club
from loyalty.site.bench.figures import Figure, check_laws, figure
from loyalty.site.bench.pairs import Rounds, in_pairs
from loyalty.site.bench.tpcb import Yardstick

CLIENTS = 8


def single_event(club: Club, yardstick: Yardstick, rounds: Rounds) -> Figure:
    """`record_activities` of one, full rules, a connection a client; those of one process share commits.

    They do so as they do in the API, which gathers its callers the same way.
    """

    def record_all(source: Source, items: Sequence[ActivityItem]) -> Sequence[Outcome]:
        return record_activities(items, source=source, now=timezone.now())

    gathered = Gathering(record_all, most=MOST_ITEMS)

    def prepare(number: int) -> Unit:
        numbers = count()

        def record_one() -> None:
            now = timezone.now()
            _member, item = club.purchase(number, next(numbers), now)
            [outcome] = gathered(club.source, [item])
            if outcome.status is not Status.RECORDED:
                raise ClientError(repr(outcome))

        return record_one

    return _measured("single_event", prepare, yardstick, rounds)


def api_event(club: Club, yardstick: Yardstick, rounds: Rounds) -> Figure:
    """A whole request of one activity through the WSGI application, signed in by token."""
    tokens = [_a_token(club, number) for number in range(CLIENTS)]

    def prepare(number: int) -> Unit:
        sys.stdout = sys.stderr = nowhere  # log lines are written as always
        application = get_wsgi_application()
        numbers = count()

        def send_one() -> None:
            at = timezone.now()
            member, item = club.purchase(number + CLIENTS, next(numbers), at)
            sent = {
                "source": club.source.code,
                "id": item.external_id,
                "type": item.type,
                "company": member.company,
                "employee": member.employee,
                "occurred_at": at.isoformat(),
                "object": item.object,
                "quantity": str(item.quantity),
                "amount": str(item.amount),
                "currency": item.currency,
            }
            answer = _post(application, json.dumps({"items": [sent]}).encode(), tokens[number])
            if answer.get("items", [{}])[0].get("status") != "recorded":
                raise ClientError(repr(answer))

        return send_one

    with Path(os.devnull).open("w") as nowhere:
        return _measured("api_event", prepare, yardstick, rounds)


def _a_token(club: Club, number: int) -> str:
    """A client of the API that may post as the club's source as often as it likes, and a token of its."""
    now = timezone.now()
    client = create_client(
        name=f"Bench {number}", scopes=[Scope.ACTIVITIES_WRITE], by=None, now=now, requests_a_minute=1_000_000
    ).client
    client.sources.add(club.source)
    word = f"bench-{number}"
    token = Token(
        client=client.oauth_client,
        type=Token.Type.ACCESS_TOKEN,
        hash=get_adapter().hash_token(word),
        expires_at=now + timedelta(days=1),
    )
    token.set_scopes([Scope.ACTIVITIES_WRITE])
    token.save()
    return word


def _post(application: Callable[..., Any], body: bytes, token: str) -> dict[str, Any]:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/v1/activities/",
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "HTTP_HOST": "localhost",
        "HTTP_X_FORWARDED_PROTO": "https",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.version": (1, 0),
    }
    answer = application(environ, lambda status, headers, error=None: None)
    try:
        told: dict[str, Any] = json.loads(b"".join(answer))
    finally:
        answer.close()
    return told


def _measured(name: str, prepare: Callable[[int], Unit], yardstick: Yardstick, rounds: Rounds) -> Figure:
    """Measure in pairs of windows with the yardstick; raises LawBrokenError where a law does not hold afterwards.

    As in production there is a process a processor, and the clients are spread over their threads.
    """
    with clients(CLIENTS, prepare, threads=-(-CLIENTS // (os.cpu_count() or 1))) as ours:
        pairs = in_pairs(rounds.count, lambda: ours.work(rounds.seconds), lambda: yardstick.rate(rounds.seconds))
    check_laws()
    return figure(name, pairs.ratio, f"{CLIENTS} clients; {pairs.told('event', f'by {yardstick.name}')}")
