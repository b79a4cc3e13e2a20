"""Finding patients by name, birth date and mobile number, in each clinic by itself."""

from django.db import migrations, models

# Small letters, accents off, å as aa, hyphens as spaces; patients/search.py does the same to what is typed.
FORWARD = """
CREATE FUNCTION patients_search_name(given text, family text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT ' ' || replace(lower(translate(
    normalize(given || ' ' || family, NFC),
    '{variants}',
    '{letters}'
)), 'å', 'aa')
$$;
"""
BACKWARD = "DROP FUNCTION patients_search_name(text, text);"

LETTERS = {
    "æ": "ÆæÄä",
    "ø": "ØøÖöŒœ",
    "å": "Åå",
    "a": "ÁÀÂÃĀĂĄáàâãāăą",
    "c": "ÇĆČçćč",
    "d": "ÐĐĎðđď",
    "e": "ÉÈÊËĒĖĘĚéèêëēėęě",
    "g": "ĞĢğģ",
    "i": "ÍÌÎÏĪİíìîïīı",
    "k": "Ķķ",
    "l": "ŁĻłļ",
    "n": "ÑŃŅŇñńņň",
    "o": "ÓÒÔÕŌŐóòôõōő",
    "r": "Řř",
    "s": "ŠŚŞȘšśşș",
    "t": "ŤŢȚŦťţțŧ",
    "u": "ÚÙÛÜŪŮŰŲúùûüūůűų",
    "y": "ÝŸýÿ",
    "z": "ŽŹŻžźż",
    " ": "-‐‑‒–.,/_",
}
REMOVED = "’‘`´ʼ"


def _sql():
    variants = "".join(LETTERS.values()) + REMOVED + "''"  # the last is one apostrophe
    letters = "".join(letter * len(group) for letter, group in LETTERS.items())
    return FORWARD.format(variants=variants, letters=letters)


class Migration(migrations.Migration):
    dependencies = [("clinic_admin", "0001_initial"), ("patients", "0002_same_clinic")]
    operations = [
        migrations.RunSQL(_sql(), BACKWARD),
        migrations.RemoveIndex(model_name="patient", name="patient_by_name"),
        migrations.AddField(
            model_name="patient",
            name="search_name",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func("given_name", "family_name", function="patients_search_name"),
                output_field=models.TextField(),
            ),
        ),
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(
                fields=["clinic", "family_name", "given_name", "id"], include=["search_name"], name="patient_by_name"
            ),
        ),
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(fields=["clinic", "birth_date"], name="patient_by_birth_date"),
        ),
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(
                condition=models.Q(("mobile", ""), _negated=True), fields=["clinic", "mobile"], name="patient_by_mobile"
            ),
        ),
    ]
