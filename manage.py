#!/usr/bin/env python
"""The one command line of Twofold: starts the embedded database where no DATABASE_URL is given, then Django."""

import os
import sys

from django.core.management import execute_from_command_line

from loyalty.site.embedded_postgres import ensure_running_unless_configured
from loyalty.site.keys import WeakSettingError


def main() -> None:
    """Run the management command named on the command line; a weak setting ends it with one sentence."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty.site.settings")
    ensure_running_unless_configured()
    try:
        execute_from_command_line(sys.argv)
    except WeakSettingError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
