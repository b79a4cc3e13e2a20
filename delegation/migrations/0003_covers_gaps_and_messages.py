"""Who covers, service by service; gaps that were found ahead; who gets messages."""


import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

LINKS = [
    ("delegation_absencecover", "provider_id", "clinic_admin_provider"),
    ("delegation_absencecover", "absence_id", "delegation_absence"),
    ("delegation_gap", "row_id", "clinic_admin_provider"),
]
COPY_COVERS = """
INSERT INTO delegation_absencecover (clinic_id, absence_id, service, provider_id)
SELECT absence.clinic_id, absence.id, service.name, absence.cover_id
FROM delegation_absence absence
CROSS JOIN (VALUES ('booking'), ('urgent'), ('consultation'), ('renewal')) AS service (name)
WHERE absence.cover_id IS NOT NULL;
SET CONSTRAINTS ALL IMMEDIATE;
"""
"""Until now one provider covered in every service."""


def _add(table: str, column: str, target: str) -> str:
    return (
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_same_clinic "
        f"FOREIGN KEY ({column}, clinic_id) REFERENCES {target} (id, clinic_id) DEFERRABLE INITIALLY DEFERRED"
    )


def _drop(table: str, column: str) -> str:
    return f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_same_clinic"


class Migration(migrations.Migration):

    dependencies = [
        ('clinic_admin', '0001_initial'),
        ('delegation', '0002_same_clinic'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AbsenceCover',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('service', models.CharField(choices=[('booking', 'Booking'), ('urgent', 'Urgent booking'), ('consultation', 'e-Consultation'), ('renewal', 'Prescription renewal')], max_length=15)),
            ],
        ),
        migrations.CreateModel(
            name='Gap',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('service', models.CharField(choices=[('booking', 'Booking'), ('urgent', 'Urgent booking'), ('consultation', 'e-Consultation'), ('renewal', 'Prescription renewal')], max_length=15)),
                ('first_day', models.DateField()),
                ('last_day', models.DateField()),
            ],
        ),
        migrations.CreateModel(
            name='LookAhead',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('made_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='MessageDelegation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('topics', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('consultation', 'e-Consultations'), ('renewal', 'Prescription renewals'), ('unconfirmed-booking', 'Bookings that must be approved')], max_length=20), default=list, size=None)),
                ('version', models.PositiveIntegerField(default=0)),
                ('changed_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddConstraint(
            model_name='absence',
            constraint=models.UniqueConstraint(fields=('id', 'clinic'), name='absence_id_with_clinic'),
        ),
        migrations.AddField(
            model_name='absencecover',
            name='absence',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='covers', to='delegation.absence'),
        ),
        migrations.AddField(
            model_name='absencecover',
            name='clinic',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='clinic_admin.clinic'),
        ),
        migrations.AddField(
            model_name='absencecover',
            name='provider',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='covers', to='clinic_admin.provider'),
        ),
        migrations.AddField(
            model_name='gap',
            name='clinic',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='gaps', to='clinic_admin.clinic'),
        ),
        migrations.AddField(
            model_name='gap',
            name='row',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='clinic_admin.provider'),
        ),
        migrations.AddField(
            model_name='lookahead',
            name='clinic',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='clinic_admin.clinic'),
        ),
        migrations.AddField(
            model_name='messagedelegation',
            name='changed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='messagedelegation',
            name='clinic',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='message_delegation', to='clinic_admin.clinic'),
        ),
        migrations.AddField(
            model_name='messagedelegation',
            name='recipient',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinic_admin.staffmember'),
        ),
        migrations.AddConstraint(
            model_name='absencecover',
            constraint=models.UniqueConstraint(fields=('absence', 'service'), name='absence_cover_once_per_service'),
        ),
        migrations.AddConstraint(
            model_name='gap',
            constraint=models.UniqueConstraint(fields=('clinic', 'service', 'row', 'first_day'), name='gap_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='lookahead',
            constraint=models.UniqueConstraint(fields=('clinic', 'day'), name='look_ahead_once_a_day'),
        ),
        migrations.AddConstraint(
            model_name='messagedelegation',
            constraint=models.CheckConstraint(condition=models.Q(('topics__contained_by', ['consultation', 'renewal', 'unconfirmed-booking'])), name='message_delegation_topics_known'),
        ),
        *[migrations.RunSQL(_add(*link), _drop(*link[:2])) for link in LINKS],
        migrations.RunSQL(COPY_COVERS, migrations.RunSQL.noop),
        migrations.RemoveConstraint(
            model_name='absence',
            name='absence_not_covered_by_oneself',
        ),
        migrations.RemoveField(
            model_name='absence',
            name='cover',
        ),
    ]
