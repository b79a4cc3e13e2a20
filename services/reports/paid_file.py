"""Reminders that patients pay for as a file for spreadsheets, like the patient log's (patient_file)."""

import csv
from collections.abc import Iterable, Iterator

from django.utils.translation import gettext as _

from clinic_admin.countries import rules_of
from clinic_admin.models import Clinic
from services.booking.reminders.paid import Paid
from services.reports.patient_file import MARK, Line
from services.reports.policy import safe_cell


def lines(clinic: Clinic, rows: Iterable[Paid]) -> Iterator[str]:
    """Yield the file's lines: days and clock times by the clinic's clock, the price as a number with a comma."""
    writer = csv.writer(Line(), delimiter=";", lineterminator="\r\n")
    heads = [_("Reminder sent"), _("Patient"), _("Appointment"), _("With"), _("Price"), _("Currency")]
    yield MARK + writer.writerow(map(safe_cell, heads))
    for one in rows:
        crowns, ore = divmod(one.ore, 100)
        cells = [
            f"{one.sent_at.astimezone(clinic.zone):%Y-%m-%d}",
            one.patient_name,
            f"{one.starts_at.astimezone(clinic.zone):%Y-%m-%d %H:%M}",
            one.provider_name,
            f"{crowns},{ore:02d}",
            rules_of(clinic.country).currency,
        ]
        yield writer.writerow(map(safe_cell, cells))
