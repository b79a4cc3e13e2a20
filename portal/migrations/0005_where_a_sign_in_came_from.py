"""Where a sign-in came from; the only thing in the trail that may change later, and only to say less."""

from django.db import migrations, models

FORWARD = """
CREATE OR REPLACE FUNCTION portal_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    shortened inet := network(set_masklen(
        OLD.network_address, CASE family(OLD.network_address) WHEN 4 THEN 24 ELSE 48 END
    ));
BEGIN
    IF TG_OP = 'UPDATE' AND masklen(OLD.network_address) IN (32, 128) AND NEW.network_address = shortened THEN
        OLD.network_address := NEW.network_address;
        IF OLD IS NOT DISTINCT FROM NEW THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only';
END $$;
CREATE INDEX audit_whole_address ON portal_auditevent (at) WHERE masklen(network_address) IN (32, 128);
"""
BACKWARD = """
DROP INDEX audit_whole_address;
CREATE OR REPLACE FUNCTION portal_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("portal", "0004_who_did_what_to_whom")]
    operations = [
        migrations.AddField("auditevent", "network_address", models.GenericIPAddressField(null=True)),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
