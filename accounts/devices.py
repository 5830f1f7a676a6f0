"""What somebody signs in with, in words; and whether somebody has signed in with it before."""

import re
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

COOKIE = "device"
_SALT = "accounts.devices"
_KEPT_FOR = timedelta(days=400)  # longer no browser keeps a cookie
_MOST_PEOPLE = 20  # on one device, before it forgets who came first

_BROWSERS = (
    ("Edge", re.compile(r"\bEdg(?:e|A|iOS)?/")),
    ("Opera", re.compile(r"\bOPR/")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/")),
    ("Chrome", re.compile(r"\b(?:Chrome|CriOS|Chromium|HeadlessChrome)/")),
    ("Safari", re.compile(r"\bSafari/")),
)
_SYSTEMS = (
    ("iPhone", re.compile(r"\biPhone\b")),
    ("iPad", re.compile(r"\biPad\b")),
    ("Android", re.compile(r"\bAndroid\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("macOS", re.compile(r"\bMac(?:intosh| OS X)\b")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("Linux", re.compile(r"\bLinux\b")),
)


def in_words(user_agent: str) -> str:
    """Return a browser and its system by the names that people know: "Firefox on Windows"."""
    browser = next((name for name, pattern in _BROWSERS if pattern.search(user_agent)), "")
    system = next((name for name, pattern in _SYSTEMS if pattern.search(user_agent)), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("an unknown browser")


def is_known(request: HttpRequest, user_id: int) -> bool:
    """Whether the device of the request carries the mark that the user signed in with it before."""
    return _mark_of(user_id) in _marks(request)


def remember(request: HttpRequest, response: HttpResponse, user_id: int) -> None:
    """Mark the device as one that the user signs in with."""
    mark = _mark_of(user_id)
    marks = [*(kept for kept in _marks(request) if kept != mark), mark][-_MOST_PEOPLE:]
    response.set_cookie(
        COOKIE,
        signing.dumps(marks, salt=_SALT),
        max_age=_KEPT_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _mark_of(user_id: int) -> str:
    """A word for the user that says nothing to others who use the device."""
    return salted_hmac(_SALT, str(user_id), algorithm="sha256").hexdigest()[:20]


def _marks(request: HttpRequest) -> list[str]:
    try:
        marks: list[str] = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_KEPT_FOR)
    except signing.BadSignature:
        return []
    return marks
