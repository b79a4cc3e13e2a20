"""What happens to sign-in's rows by the clock."""

from celery import shared_task
from django.utils import timezone

from identity import operations
from identity.by_code import code_sender
from identity.saml import archive as saml_archive
from portal import network_address


@shared_task(name="identity.sweep")
def sweep() -> None:
    """Delete old sign-ins, sessions and counters."""
    operations.sweep(now=timezone.now())


@shared_task(name="identity.send_waiting")
def send_waiting() -> None:
    """Make and send codes and links whose web process ended before it could."""
    code_sender.send_waiting(now=timezone.now())


@shared_task(name="identity.sweep_saml_archive")
def sweep_saml_archive() -> None:
    """Delete SAML messages that were kept long enough."""
    saml_archive.sweep(now=timezone.now())


@shared_task(name="identity.shorten_network_addresses")
def shorten_network_addresses() -> None:
    """Cut the network addresses of sign-ins in the audit trail once they are old enough."""
    network_address.shorten_old(now=timezone.now())
