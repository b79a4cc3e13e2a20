"""What a patient was told that a reminder costs is kept where it was chosen. For what is chosen already: today's price."""

from django.db import migrations, models

_FILL = """
UPDATE {table} own SET reminder_ore = COALESCE(clinic.sms_ore, 100)
FROM patients_patient patient JOIN clinic_admin_clinic clinic ON clinic.id = patient.clinic_id
WHERE patient.id = own.patient_id AND own.wants_reminder AND patient.mobile <> '' AND NOT clinic.reminds_everyone
  AND {still}
"""
"""A hundred is the price of both countries when this was written."""

FILLS = [
    _FILL.format(table="booking_appointment", still="own.starts_at > now() AND own.status IN ('requested', 'booked')"),
    _FILL.format(table="booking_drawrequest", still="own.outcome = 'waiting'"),
    _FILL.format(table="booking_earlierwish", still="own.status = 'waiting'"),
]


class Migration(migrations.Migration):

    dependencies = [
        ("booking", "0017_attendance_marks"),
        ("clinic_admin", "0011_drew_until"),
        ("notifications", "0010_price_of_message"),
    ]

    operations = [
        migrations.AddField(
            model_name="appointment",
            name="reminder_ore",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="drawrequest",
            name="reminder_ore",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="earlierwish",
            name="reminder_ore",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        *[migrations.RunSQL(fill, migrations.RunSQL.noop) for fill in FILLS],
    ]
