"""Whatever decides leaves a mark on the row it hangs on, which tells whether what was decided without a lock still holds.

That row is the clinic's (matrix, absences), the provider's (columns) or the patient's (special rights): Postgres gives a
row that was written a new xmin, whatever was written. The database does it, so that no way of writing can forget it.
"""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION access_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE %I SET id = id WHERE id IN (%s)', TG_ARGV[0], TG_ARGV[1]);
    RETURN NULL;
END
$$
"""
HANGS_ON = {
    "access_providerrights": ("clinic_admin_provider", "SELECT provider_id FROM changed"),
    "access_specialrights": ("patients_patient", "SELECT patient_id FROM changed"),
    "delegation_matrixtick": ("clinic_admin_clinic", "SELECT clinic_id FROM changed"),
    "delegation_absence": ("clinic_admin_clinic", "SELECT clinic_id FROM changed"),
    "delegation_absencecover": (
        "clinic_admin_clinic",
        "SELECT clinic_id FROM delegation_absence WHERE id IN (SELECT absence_id FROM changed)",
    ),
}
SEEN = {"insert": "NEW", "update": "NEW", "delete": "OLD"}


def triggers() -> list[migrations.RunSQL]:
    """Return one trigger for each table and each way of changing it: Postgres shows each only its own rows."""
    return [
        migrations.RunSQL(
            f"CREATE TRIGGER {table}_note_{act} AFTER {act.upper()} ON {table} "
            f"REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT "
            f"EXECUTE FUNCTION access_note_change('{parent}', '{which}')",
            f"DROP TRIGGER {table}_note_{act} ON {table}",
        )
        for table, (parent, which) in HANGS_ON.items()
        for act, rows in SEEN.items()
    ]


class Migration(migrations.Migration):
    """A trigger for each way of changing what decides."""

    dependencies = [
        ("access", "0001_initial"),
        ("clinic_admin", "0011_drew_until"),
        ("delegation", "0003_covers_gaps_and_messages"),
        ("patients", "0009_contact_details"),
    ]

    operations = [migrations.RunSQL(FUNCTION, "DROP FUNCTION access_note_change()"), *triggers()]
