"""manage.py saml_keys: our keys and certificates at a SAML identity provider."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from django.utils import timezone

from identity import queries
from identity.choices import Protocol
from identity.models import IdentityProvider
from identity.saml import certificate_ends
from identity.saml import setup as saml_setup
from identity.saml.setup import SetupRefused
from portal import audit

ENDING = 1
REFUSED = 2


class Command(BaseCommand):
    """Show, add, use and retire keys."""

    help = (
        "Show our keys at a SAML identity provider and the provider's certificates with the day each ends, or change "
        "our keys. The first key signs at once. To change it: add the new one (both stand in our metadata now, and "
        "both decrypt), give the provider the new metadata, use the new key when the provider has taken it, and retire "
        "the old one a day later. Keys are stored encrypted. "
        "Exit code: 0 all is well, 1 a certificate ends within sixty days, 2 refused and nothing is changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help='our name for the provider, as in "mitid"')
        change = parser.add_mutually_exclusive_group()
        change.add_argument(
            "--add",
            nargs=2,
            type=Path,
            metavar=("KEY", "CERTIFICATE"),
            help="PEM files; the key without password",
        )
        change.add_argument("--use", metavar="FINGERPRINT", help="sign with this key from now on")
        change.add_argument("--retire", metavar="FINGERPRINT", help="forget this key")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        provider = queries.provider_by_slug(options["slug"], Protocol.SAML)
        if provider is None:
            raise CommandError("There is no SAML provider of this name.", returncode=REFUSED)
        try:
            self._change(provider, options)
        except SetupRefused as refused:
            raise CommandError(str(refused), returncode=REFUSED) from None
        except (OSError, UnicodeDecodeError):
            raise CommandError("A file can't be read.", returncode=REFUSED) from None
        urgent = False
        for one in certificate_ends.of_all(timezone.now()):
            if one.provider == provider.slug:
                whose = f"ours{', signs' if one.is_signing else ', decrypts'}" if one.is_ours else "theirs"
                mark = "  CHANGE IT" if one.is_urgent else ""
                self.stdout.write(f"{one.fingerprint} until {one.ends_at:%Y-%m-%d} ({whose}){mark}")
                urgent = urgent or one.is_urgent
        if urgent:
            raise CommandError("A certificate ends within sixty days.", returncode=ENDING)

    def _change(self, provider: IdentityProvider, options: dict[str, Any]) -> None:
        now = timezone.now()
        if options["add"] is not None:
            key, certificate = (path.read_text() for path in options["add"])
            saml_setup.add_key(
                provider, private_key=key, certificate=certificate, actor=audit.SYSTEM, now=now
            )
        if options["use"] is not None:
            saml_setup.use_key(provider, options["use"], actor=audit.SYSTEM, now=now)
        if options["retire"] is not None:
            saml_setup.retire_key(provider, options["retire"], actor=audit.SYSTEM, now=now)
