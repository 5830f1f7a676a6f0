"""Load the demo's world where it is not there yet, and say who can sign in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import Company
from loyalty.site import demo
from loyalty.site.demo.firms import FIRMS


class Command(BaseCommand):
    """`manage.py load_demo`."""

    help = "Loads a small believable world, once, and prints its logins."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load and print; an installation that has companies of its own is left alone."""
        if not demo.is_loaded():
            if Company.objects.exists():
                raise CommandError("There are companies here already: the demo belongs into an empty database.")
            self.stdout.write(f"Loading half a year of business of {len(FIRMS)} companies")
            demo.load(now=timezone.now())
        self.stdout.write(f"Sign in with the password {demo.PASSWORD} as")
        for role, email in demo.LOGINS:
            self.stdout.write(f"  {role:<16} {email}")
        self.stdout.write(f"Other systems call the API, explained at /api/, as {demo.CLIENT_ID} with the same password")
