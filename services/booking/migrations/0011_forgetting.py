"""Old wishes are deleted and old draws lose their names: room for that, and indexes to find them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

_CLINIC_OF_WISH = """
UPDATE booking_passedover p SET clinic_id = w.clinic_id FROM booking_earlierwish w WHERE w.id = p.wish_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("booking", "0010_desk"),
        ("clinic_admin", "0008_draws_urgent"),
        ("patients", "0009_contact_details"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="passedover",
            name="clinic",
            field=models.ForeignKey(
                null=True,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="clinic_admin.clinic",
            ),
        ),
        migrations.RunSQL(_CLINIC_OF_WISH, migrations.RunSQL.noop),
        # Postgres checks foreign keys at the end of the statement's transaction; the column can't be altered before.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="passedover",
            name="clinic",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="clinic_admin.clinic",
            ),
        ),
        migrations.AlterField(
            model_name='drawrequest',
            name='asked_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='drawrequest',
            name='patient',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient'),
        ),
        migrations.AddIndex(
            model_name='earlierwish',
            index=models.Index(condition=models.Q(('ended_at__isnull', False)), fields=['ended_at'], name='earlier_wish_to_forget'),
        ),
        migrations.AddIndex(
            model_name='passedover',
            index=models.Index(condition=models.Q(('offer__isnull', True)), fields=['clinic', '-at'], name='earlier_passed_for_nobody'),
        ),
        migrations.AddConstraint(
            model_name='drawrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('asked_by__isnull', False), ('patient__isnull', False)), models.Q(('appointment__isnull', True), ('asked_by__isnull', True), ('patient__isnull', True)), _connector='OR'), name='draw_request_known_or_forgotten'),
        ),
    ]
