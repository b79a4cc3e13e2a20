"""A row and what it points at belong to the same clinic: the database says so, whatever the code does."""

from django.db import migrations

LINKS = [
    ("booking_slot", "provider_id", "clinic_admin_provider"),
    ("booking_calendartemplate", "provider_id", "clinic_admin_provider"),
    ("booking_appointment", "provider_id", "clinic_admin_provider"),
    ("booking_appointment", "patient_id", "patients_patient"),
]


def _add(table: str, column: str, target: str) -> str:
    return (
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_same_clinic "
        f"FOREIGN KEY ({column}, clinic_id) REFERENCES {target} (id, clinic_id) DEFERRABLE INITIALLY DEFERRED"
    )


def _drop(table: str, column: str) -> str:
    return f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_same_clinic"


class Migration(migrations.Migration):
    dependencies = [("booking", "0001_initial"), ("patients", "0001_initial"), ("clinic_admin", "0001_initial")]
    operations = [migrations.RunSQL(_add(*link), _drop(*link[:2])) for link in LINKS]
