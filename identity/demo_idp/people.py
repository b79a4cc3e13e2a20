"""The invented people one can be in the demo. Their national IDs are synthetic and belong to nobody."""

from dataclasses import dataclass
from datetime import date

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clinic_admin.choices import Country
from identity import national_id


@dataclass(frozen=True, slots=True)
class Person:
    """Someone whom the demo identity providers know."""

    country: Country
    given_name: str
    family_name: str
    birth_date: date
    serial: int
    note: str | Promise
    """What is special about them, for whoever picks one."""

    @property
    def full_name(self) -> str:
        """Return the name as people say it."""
        return f"{self.given_name} {self.family_name}"

    @property
    def national_id(self) -> str:
        """Return the synthetic national ID: always the same for the same person."""
        return national_id.make_synthetic(self.country, self.birth_date, serial=self.serial)


NO, DK = Country.NORWAY, Country.DENMARK

PEOPLE = (
    Person(NO, "Line", "Danser", date(1988, 4, 14), 1, _("GP Magnard Koman; books and is approved at once")),
    Person(NO, "Finn", "Dottno", date(1964, 1, 21), 2, _("GP Magnard Koman; may choose the locum as well")),
    Person(NO, "Donald", "Andersen", date(1953, 9, 17), 3, _("GP Sjef Lege; bookings wait for approval")),
    Person(NO, "Åse", "Ærlig", date(1941, 12, 3), 4, _("no GP at the clinic; books with the intern")),
    Person(NO, "Mikkel", "Mus", date(1996, 3, 18), 5, _("special rights: booking is closed")),
    Person(NO, "Bibi", "Utflyttet", date(1979, 6, 8), 6, _("record is no longer active")),
    Person(NO, "Roland", "Gundersen", date(1971, 7, 15), 7, _("has no record at any clinic")),
    Person(DK, "Søren", "Østergaard", date(1975, 5, 2), 8, _("GP Karen Holm; books and is approved at once")),
    Person(
        DK, "Inger", "Uden-MitID", date(1938, 2, 9), 10, _("can't use MitID; password and code by e-mail")
    ),
    Person(DK, "Mette", "Æbelø", date(1990, 11, 23), 9, _("GP Jens Kjær; bookings wait for approval")),
    Person(NO, "Ola", "Danser", date(2018, 5, 9), 10, _("Line's son of 8: she acts for him")),
    Person(
        NO,
        "Nora",
        "Danser",
        date(2013, 6, 17),
        11,
        _("Line's daughter of 13: Line sees and books appointments only; she signs in herself, too"),
    ),
    Person(
        DK,
        "Emil",
        "Østergaard",
        date(2016, 2, 11),
        12,
        _("Søren's son of 10: too young for MitID, signs in with password and code"),
    ),
)
