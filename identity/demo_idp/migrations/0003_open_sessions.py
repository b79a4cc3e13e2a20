"""The demo's providers remember who is signed in, whatever they speak."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("demo_idp", "0002_saml")]
    operations = [
        # What was encrypted under the table's old name can't be read under the new one; it lasts for an hour at most.
        migrations.RunSQL("DELETE FROM demo_idp_samlsession", migrations.RunSQL.noop),
        migrations.RenameModel("SamlSession", "OpenSession"),
        migrations.RenameIndex(
            "opensession", new_name="demo_open_session_by_age", old_name="demo_saml_session_by_age"
        ),
    ]
