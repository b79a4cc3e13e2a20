"""The rule of own_times also against what staff have put beside another knowingly, which the exclusion constraint leaves out.

Such a constraint knows no order: it can't let the second of two overlapping appointments stand that staff put there,
and stop a third. A trigger looks when an appointment gets its time. It needs no lock: whoever gives a patient a time
holds the patient's times (ADR 10), and each statement of a trigger sees what was committed before it.
"""

from django.db import migrations

_STANDS_FOR = "CASE WHEN {0}.status = 'requested' THEN coalesce({0}.replaces_id, {0}.id) ELSE {0}.id END"
_COUNTS = "NEW.status IN ('requested', 'booked') AND NOT NEW.overruled @> ARRAY['own-time']::varchar[]"
FORWARD = f"""
CREATE FUNCTION booking_refuse_beside_overruled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM booking_appointment other
        WHERE other.patient_id = NEW.patient_id AND other.status IN ('requested', 'booked')
          AND other.starts_at < NEW.ends_at AND other.ends_at > NEW.starts_at
          AND other.starts_at > NEW.starts_at - interval '8 hours'
          AND other.overruled @> ARRAY['own-time']::varchar[]
          AND {_STANDS_FOR.format("other")} <> {_STANDS_FOR.format("NEW")}
    ) THEN
        RAISE exclusion_violation USING
            MESSAGE = 'the patient has another appointment then, which staff put there knowingly',
            CONSTRAINT = 'appointment_patient_not_in_two_places';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER booking_appointment_beside_overruled BEFORE INSERT ON booking_appointment
    FOR EACH ROW WHEN ({_COUNTS}) EXECUTE FUNCTION booking_refuse_beside_overruled();
CREATE TRIGGER booking_appointment_moved_beside_overruled BEFORE UPDATE OF starts_at, ends_at ON booking_appointment
    FOR EACH ROW WHEN ({_COUNTS} AND (OLD.starts_at, OLD.ends_at) IS DISTINCT FROM (NEW.starts_at, NEW.ends_at))
    EXECUTE FUNCTION booking_refuse_beside_overruled();
"""
BACKWARD = """
DROP TRIGGER booking_appointment_moved_beside_overruled ON booking_appointment;
DROP TRIGGER booking_appointment_beside_overruled ON booking_appointment;
DROP FUNCTION booking_refuse_beside_overruled();
"""


class Migration(migrations.Migration):
    dependencies = [("booking", "0013_own_times")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
