"""Take away the second factors of somebody who has lost them; look at the person first, not at a mail."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import User
from accounts.second_factors import forget_second_factors


class Command(BaseCommand):
    """`manage.py forget_second_factors EMAIL`."""

    help = "Takes away the second factors and ends the sessions of a login; a new one is set up at the next sign-in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose."""
        parser.add_argument("email", help="the e-mail address of the login")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many there were."""
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"Nobody signs in with {options['email']}.")
        count = forget_second_factors(user, now=timezone.now())
        self.stdout.write(f"{count} second factors of {user} are gone, and every session has ended.")
