"""What happens to patients' rows by the clock."""

from celery import shared_task
from django.utils import timezone

from patients.contact import operations as contact
from patients.guardianship import operations


@shared_task(name="patients.come_of_age")
def come_of_age() -> None:
    """Tidy up after the birthdays from which nobody acts for a patient any more."""
    operations.come_of_age(now=timezone.now())


@shared_task(name="patients.sweep_contact_changes")
def sweep_contact_changes() -> None:
    """Delete changes of contact details that have had their time."""
    contact.sweep(now=timezone.now())
