"""The engine's part of the API: activities with their why, memberships, and what stands on them."""
