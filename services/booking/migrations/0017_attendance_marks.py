"""What was noted of whether patients came, and taken back, as rows; those of before are read from the audit trail."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FILL = """
INSERT INTO booking_attendancemark (appointment_id, mark, at, by_id)
SELECT own.id, event.details->>'after', event.at, who.id
FROM portal_auditevent event
JOIN booking_appointment own ON own.id::text = event.subject_id
JOIN identity_user who ON who.id = event.actor_id
WHERE event.action = 'appointment.marked' AND event.subject_type = 'booking.appointment'
ORDER BY event.id
"""


class Migration(migrations.Migration):

    dependencies = [
        ("booking", "0016_refusal_words"),
        ("portal", "0006_in_which_session"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AttendanceMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("mark", models.CharField(blank=True, choices=[("arrived", "Arrived"), ("missed", "Did not attend")], max_length=10)),
                ("at", models.DateTimeField()),
                ("appointment", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="marks", to="booking.appointment")),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("mark__in", ["", "arrived", "missed"])), name="attendance_mark_known")],
            },
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
