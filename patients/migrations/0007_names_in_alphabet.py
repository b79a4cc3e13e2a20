"""Names stand in the alphabet's order: æ, ø and å come last, and aa is å, whatever collation the database has."""

from django.db import migrations, models

# Signs that follow z in the order of bytes stand for the three letters.
FORWARD = """
CREATE FUNCTION patients_sort_name(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT replace(translate(ltrim(patients_search_name('', name)), 'æø', '{|'), 'aa', '}')
$$;
"""
BACKWARD = "DROP FUNCTION patients_sort_name(text);"


def _sorted(name):
    return models.GeneratedField(
        db_persist=True,
        expression=models.Func(name, function="patients_sort_name"),
        output_field=models.TextField(db_collation="C"),
    )


class Migration(migrations.Migration):
    dependencies = [("patients", "0006_who_uses_the_portal_is_registered")]
    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.RemoveIndex(model_name="patient", name="patient_by_name"),
        migrations.AddField(model_name="patient", name="sort_family", field=_sorted("family_name")),
        migrations.AddField(model_name="patient", name="sort_given", field=_sorted("given_name")),
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(
                fields=["clinic", "sort_family", "sort_given", "id"], include=["search_name"], name="patient_by_name"
            ),
        ),
    ]
