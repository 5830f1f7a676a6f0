"""Django's connection to PostgreSQL, asked less often whether it still works; Django looks for `base` in here."""
