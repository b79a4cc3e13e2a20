"""Who moved an appointment stands with the receipt; of those of before it is read from the audit trail."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FILL = """
UPDATE booking_receipt receipt SET by_id = who.id
FROM portal_auditevent event JOIN identity_user who ON who.id = event.actor_id
WHERE receipt.kind = 'moved' AND event.action = 'appointment.moved' AND event.at = receipt.at
AND event.subject_type = 'booking.appointment' AND event.subject_id = receipt.appointment_id::text
"""


class Migration(migrations.Migration):
    dependencies = [
        ("booking", "0018_reminder_prices"),
        ("portal", "0006_in_which_session"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="receipt",
            name="by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
