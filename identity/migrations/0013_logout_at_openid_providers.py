"""What a session at a provider stands on goes with the session here; OpenID Connect has a logout, too."""

import django.db.models.deletion
from django.db import migrations, models

import portal.fields

WITHOUT_SESSION = """
DELETE FROM identity_providersession AS one
WHERE NOT EXISTS (SELECT 1 FROM django_session AS here WHERE here.session_key = one.session_key)
"""


class Migration(migrations.Migration):
    atomic = True
    dependencies = [("identity", "0012_signed_out_at_provider"), ("sessions", "0001_initial")]
    operations = [
        migrations.RunSQL(WITHOUT_SESSION, migrations.RunSQL.noop),
        migrations.RemoveIndex("providersession", "provider_session_by_age"),
        migrations.RenameField("providersession", "session_key", "session"),
        migrations.AlterField(
            "providersession",
            "session",
            models.OneToOneField(
                db_column="session_key",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="sessions.session",
            ),
        ),
        migrations.AddField("providersession", "id_token", portal.fields.EncryptedTextField(null=True)),
        migrations.AddField("providerlogout", "id_token", portal.fields.EncryptedTextField(null=True)),
        migrations.AddIndex(
            "providersession",
            models.Index(fields=["provider", "session_index"], name="provider_session_by_index"),
        ),
    ]
