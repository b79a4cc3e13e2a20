"""A provider whom nobody signs in as can leave, too: a leaving names the provider, the post, or both."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

PROVIDERS_OF_POSTS = """
UPDATE onboarding_leaving SET provider_id = provider.id
FROM clinic_admin_provider provider
WHERE provider.staff_member_id = onboarding_leaving.staff_member_id;
SET CONSTRAINTS ALL IMMEDIATE;
"""
LINKS = [("provider_id", "clinic_admin_provider"), ("successor_id", "clinic_admin_provider")]


def _add(column: str, target: str) -> str:
    return (
        f"ALTER TABLE onboarding_leaving ADD CONSTRAINT onboarding_leaving_{column}_same_clinic "
        f"FOREIGN KEY ({column}, clinic_id) REFERENCES {target} (id, clinic_id) DEFERRABLE INITIALLY DEFERRED"
    )


def _drop(column: str) -> str:
    return f"ALTER TABLE onboarding_leaving DROP CONSTRAINT onboarding_leaving_{column}_same_clinic"


class Migration(migrations.Migration):

    dependencies = [
        ('clinic_admin', '0008_draws_urgent'),
        ('delegation', '0003_covers_gaps_and_messages'),
        ('onboarding', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='leaving',
            name='provider',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='leavings', to='clinic_admin.provider'),
        ),
        migrations.AlterField(
            model_name='leaving',
            name='staff_member',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='leavings', to='clinic_admin.staffmember'),
        ),
        migrations.RunSQL(PROVIDERS_OF_POSTS, migrations.RunSQL.noop),
        *[migrations.RunSQL(_add(*link), _drop(link[0])) for link in LINKS],
        migrations.AddConstraint(
            model_name='leaving',
            constraint=models.UniqueConstraint(condition=models.Q(('done_at__isnull', True)), fields=('provider',), name='leaving_provider_once'),
        ),
        migrations.AddConstraint(
            model_name='leaving',
            constraint=models.CheckConstraint(condition=models.Q(('staff_member__isnull', False), ('provider__isnull', False), _connector='OR'), name='leaving_of_someone'),
        ),
    ]
