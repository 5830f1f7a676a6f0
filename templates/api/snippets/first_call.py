import base64
import json
from datetime import datetime, timezone
from urllib.request import Request, urlopen

SITE = "https://twofold.example"
CLIENT_ID = "your-client-id"
CLIENT_SECRET = "your-client-secret"


def fetch_token():
    """A token that opens the API for an hour: keep it that long."""
    basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    request = Request(f"{SITE}/api/token/", b"grant_type=client_credentials", {"Authorization": f"Basic {basic}"})
    with urlopen(request) as answer:
        return json.load(answer)["access_token"]


def record(token, items):
    """Send from one to 1,000 activities; gives what became of each, in their order."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = Request(f"{SITE}/api/v1/activities/", json.dumps({"items": items}).encode(), headers)
    with urlopen(request) as answer:
        return json.load(answer)["items"]


today = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
purchase = {
    "source": "erp",
    "id": "first-call-1",
    "type": "purchase",
    "company": "C-1001",
    "occurred_at": today.isoformat(),
    "amount": "149.90",
    "currency": "EUR",
}
for outcome in record(fetch_token(), [purchase]):
    print(outcome["id"], outcome["status"], outcome["effects"] or outcome["error"])
