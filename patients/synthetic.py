"""Invented patients for demos and trials. Their national IDs belong to nobody, and mail to them goes nowhere."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from clinic_admin.choices import Country
from identity import national_id

_YOUNGEST_BORN = date(2026, 1, 1)
"""Nobody is born later, so that the same seed gives the same people for ever."""
_SERIALS_LEFT_FREE = 20
"""The first numbers of each day are left to people who are invented one by one."""
_AGE_BANDS = ((0, 17, 20), (18, 39, 28), (40, 66, 33), (67, 84, 16), (85, 100, 3))
"""From age, to age, share in percent."""
_SHARE_WITHOUT_GP = 0.12
_SHARE_WITHOUT_MOBILE = 0.06
_SHARE_WITHOUT_EMAIL = 0.15
_SHARE_INACTIVE = 0.03
_OWN_PHONE_FROM_AGE = 12
_DAYS_A_YEAR = 365.25

_GIVEN = {
    Country.NORWAY: (
        "Anne Inger Kari Marit Ingrid Liv Eva Astrid Hilde Bjørg Nina Elisabeth Kristin Berit Randi Solveig Silje Ida "
        "Hanne Camilla Julie Emma Nora Ella Sofie Maja Ingeborg Åse Tuva Sara Jan Per Bjørn Ole Lars Kjell Knut Arne "
        "Svein Thomas Hans Geir Tor Morten Terje Odd Erik Martin Andreas John Øyvind Espen Jakob Emil Noah Oskar "
        "Filip Håkon Sindre Åsmund"
    ),
    Country.DENMARK: (
        "Anne Kirsten Mette Hanne Anna Helle Susanne Lene Marianne Lone Camilla Pia Inge Karen Bente Birgitte Louise "
        "Charlotte Jette Tina Emma Ida Freja Alma Sofia Clara Maja Åse Sørine Gitte Peter Michael Jens Lars Thomas "
        "Henrik Søren Christian Martin Jan Anders Morten Niels Jesper Mads Rasmus Hans Per Ole Jørgen William Noah "
        "Oscar Lucas Carl Malthe Emil Valdemar Østen Bjørn"
    ),
}
_FAMILY = {
    Country.NORWAY: (
        "Hansen Johansen Olsen Larsen Andersen Pedersen Nilsen Kristiansen Jensen Karlsen Johnsen Pettersen Eriksen "
        "Berg Haugen Hagen Johannessen Andreassen Jacobsen Dahl Jørgensen Henriksen Lund Halvorsen Sørensen Jakobsen "
        "Moen Gundersen Iversen Strand Solberg Svendsen Eide Knutsen Martinsen Paulsen Bakken Kristoffersen Mathisen "
        "Lie Amundsen Nguyen Rasmussen Lunde Solheim Berge Moe Nygård Bakke Ødegård Ås Ruud Holm Myhre Bråten"
    ),
    Country.DENMARK: (
        "Nielsen Jensen Hansen Andersen Pedersen Christensen Larsen Sørensen Rasmussen Jørgensen Petersen Madsen "
        "Kristensen Olsen Thomsen Christiansen Poulsen Johansen Møller Mortensen Knudsen Jakobsen Jacobsen Mikkelsen "
        "Olesen Frederiksen Laursen Henriksen Lund Holm Schmidt Eriksen Kristiansen Clausen Simonsen Svendsen "
        "Andreasen Iversen Jeppesen Mogensen Nissen Lassen Østergaard Kjær Bach Dahl Vestergaard Ågård Bech Winther"
    ),
}
_MOBILES = {Country.NORWAY: ("+479", 7), Country.DENMARK: ("+45201", 5)}
"""How mobiles begin, and how many digits follow. No country keeps mobile numbers for invented people."""


@dataclass(frozen=True, slots=True)
class InventedPerson:
    """A patient who does not exist, as an import file tells of one."""

    national_id: str
    given_name: str
    family_name: str
    birth_date: date
    mobile: str
    """E.164, or empty."""
    email: str
    gp: str
    """Initials, or empty for those without a GP at the clinic."""
    is_active: bool


def invented_people(country: str, count: int, seed: int, gps: Sequence[str] = ()) -> Iterator[InventedPerson]:
    """Yield that many people with different national IDs, always the same for the same arguments.

    `gps` are the initials of the providers on whose lists they are, all lists about equally long.
    """
    where, random = Country(country), Random(f"{country} {seed}")  # noqa: S311 - nothing secret comes of it
    born: Counter[date] = Counter()
    for _ in range(count):
        birth_date = _birth_date(random)
        serial = _SERIALS_LEFT_FREE + born[birth_date]
        born[birth_date] += 1
        yield _person(where, birth_date, serial, random, gps)


def _person(
    country: Country, birth_date: date, serial: int, random: Random, gps: Sequence[str]
) -> InventedPerson:
    given, family = random.choice(_GIVEN[country].split()), random.choice(_FAMILY[country].split())
    has_own_phone = (_YOUNGEST_BORN - birth_date).days >= _OWN_PHONE_FROM_AGE * _DAYS_A_YEAR
    mobile, email = _mobile(country, random), _email(country, given, family, random)
    has_mobile = has_own_phone and random.random() >= _SHARE_WITHOUT_MOBILE
    has_email = has_own_phone and random.random() >= _SHARE_WITHOUT_EMAIL
    has_gp = bool(gps) and random.random() >= _SHARE_WITHOUT_GP
    return InventedPerson(
        national_id=national_id.make_synthetic(country, birth_date, serial=serial),
        given_name=given,
        family_name=family,
        birth_date=birth_date,
        mobile=mobile if has_mobile else "",
        email=email if has_email else "",
        gp=random.choice(gps) if has_gp else "",
        is_active=random.random() >= _SHARE_INACTIVE,
    )


def _birth_date(random: Random) -> date:
    (youngest, oldest, _share) = random.choices(_AGE_BANDS, weights=[share for *_, share in _AGE_BANDS])[0]
    age_in_days = random.uniform(youngest, oldest + 1) * _DAYS_A_YEAR
    return _YOUNGEST_BORN - timedelta(days=1 + int(age_in_days))


def _mobile(country: Country, random: Random) -> str:
    start, digits = _MOBILES[country]
    return f"{start}{random.randrange(10**digits):0{digits}}"


def _email(country: Country, given: str, family: str, random: Random) -> str:
    """An address in a domain that can't exist (RFC 2606)."""
    name = f"{given}.{family}{random.randrange(100)}".lower()
    plain = name.replace("ø", "o").replace("æ", "ae").replace("å", "a")
    latin = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return f"{latin}@{country.value.lower()}.example"
