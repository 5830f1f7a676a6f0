SITE=https://twofold.example
CLIENT_ID=your-client-id
CLIENT_SECRET=your-client-secret

# 1. A token. It opens the API for an hour; fetch it once and keep it that long.
TOKEN=$(curl --silent --show-error --fail --user "$CLIENT_ID:$CLIENT_SECRET" \
  --data grant_type=client_credentials "$SITE/api/token/" | sed 's/.*"access_token": *"\([^"]*\)".*/\1/')

# 2. An activity. Send it again as often as you like: its id makes it the same one.
curl --silent --show-error --fail-with-body "$SITE/api/v1/activities/" \
  --header "Authorization: Bearer $TOKEN" --header "Content-Type: application/json" --data @- <<JSON
{"items": [{
  "source": "erp", "id": "first-call-1", "type": "purchase", "company": "C-1001",
  "occurred_at": "$(date -u +%Y-%m-%dT00:00:00Z)", "amount": "149.90", "currency": "EUR"
}]}
JSON
