"""manage.py saml_provider: a SAML identity provider, from its metadata."""

import hashlib
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from django.utils import timezone

from clinic_admin.choices import Country
from identity.choices import Method
from identity.saml import certificates as saml_certificates
from identity.saml import metadata as saml_metadata
from identity.saml import setup as saml_setup
from identity.saml.metadata import ProviderMetadata, UnusableMetadata
from identity.saml.setup import Agreement, SetupRefused
from portal import audit

NOT_TRUSTED = 1
UNUSABLE = 2


class Command(BaseCommand):
    """Load metadata."""

    help = (
        "Connect a SAML identity provider, or load its new metadata: who it is, where browsers are sent, and which "
        "certificates sign. Every signing certificate in the file must be named by its SHA-256 fingerprint, which you "
        "have from the provider by another way than the file; one that isn't named stops everything. "
        "Without --apply nothing is stored. While the provider changes keys its file has two certificates: name both. "
        "Next: manage.py saml_keys, then give the provider the address of our metadata. "
        "Exit code: 0 all is well, 1 a certificate is not trusted and nothing is stored, 2 the file can't be used."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help='our name for it in addresses, as in "mitid"')
        parser.add_argument("file", type=Path, help="its metadata (XML)")
        parser.add_argument(
            "--fingerprint",
            action="append",
            default=[],
            metavar="SHA256",
            help="of a signing certificate; may stand several times",
        )
        parser.add_argument("--entity-id", default="", help="which provider, if the file has several")
        parser.add_argument(
            "--our-entity-id", default="", help="what it calls us, if not our metadata's address"
        )
        parser.add_argument("--name", default="MitID", help="what patients know it as")
        parser.add_argument(
            "--country", default=Country.DENMARK, choices=Country.values, help="whose national IDs"
        )
        parser.add_argument("--method", default=Method.MITID, choices=[Method.MITID, Method.BANKID])
        parser.add_argument("--allow-cbc", action="store_true", help="it can't encrypt with AES-GCM")
        parser.add_argument("--apply", action="store_true", help="store it, if every certificate is trusted")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        content = self._content(options["file"])
        try:
            metadata = saml_metadata.read(content, entity_id=options["entity_id"], now=timezone.now())
        except UnusableMetadata as unusable:
            raise CommandError(f"{options['file']}: {unusable}", returncode=UNUSABLE) from None
        self._show(metadata)
        missing = saml_setup.untrusted(metadata, options["fingerprint"])
        if missing:
            named = "\n".join(missing)
            raise CommandError(
                f"Nothing is stored. These signing certificates were not named:\n{named}",
                returncode=NOT_TRUSTED,
            )
        if not options["apply"]:
            self.stdout.write("Nothing is stored yet. Run this again with --apply to store it.")
            return
        self._store(metadata, hashlib.sha256(content).hexdigest(), options)

    def _content(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError:
            raise CommandError(
                f"{path}: there is no such file, or it may not be read.", returncode=UNUSABLE
            ) from None

    def _show(self, metadata: ProviderMetadata) -> None:
        self.stdout.write(f"provider    {metadata.entity_id}")
        self.stdout.write(f"signing in  {metadata.sso_address}")
        self.stdout.write(f"signing out {metadata.slo_address or 'not offered'}")
        for certificate in metadata.signing_certificates:
            end = saml_certificates.ends_at(certificate)
            self.stdout.write(
                f"certificate {saml_certificates.fingerprint(certificate)} until {end:%Y-%m-%d}"
            )

    def _store(self, metadata: ProviderMetadata, fingerprint: str, options: dict[str, Any]) -> None:
        agreement = Agreement(
            slug=options["slug"],
            name=options["name"],
            country=Country(options["country"]),
            method=Method(options["method"]),
            our_entity_id=options["our_entity_id"],
            allows_cbc=options["allow_cbc"],
        )
        try:
            provider = saml_setup.connect(
                agreement, metadata, file_fingerprint=fingerprint, actor=audit.SYSTEM, now=timezone.now()
            )
        except SetupRefused as refused:
            raise CommandError(f"Nothing is stored. {refused}", returncode=UNUSABLE) from None
        self.stdout.write(f"Stored. Our name there: {provider.client_id}")
