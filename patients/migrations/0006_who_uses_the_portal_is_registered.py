"""Where patients register: who has an account already uses the portal, and goes on doing so."""

from django.db import migrations
from django.db.models import Exists, OuterRef
from django.utils import timezone


def note(apps, schema_editor):
    Patient = apps.get_model("patients", "Patient")
    accounts = apps.get_model("identity", "Account").objects.filter(national_id_index=OuterRef("national_id_index"))
    rows = Patient.objects.filter(Exists(accounts), clinic__country="DK", is_active=True, registered_at=None)
    rows.update(registered_at=timezone.now())


class Migration(migrations.Migration):
    dependencies = [("patients", "0005_portal_marks"), ("identity", "0007_codes_by_email")]
    operations = [migrations.RunPython(note, migrations.RunPython.noop)]
