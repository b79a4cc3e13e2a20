"""Invented people."""

import pytest

from identity.demo_idp.people import PEOPLE
from patients.synthetic import invented_people
from portal import phone_numbers


@pytest.mark.parametrize("country", ["NO", "DK"])
def test_invented_people_are_always_the_same_and_all_different(country):
    people = list(invented_people(country, 3000, 1, ["MK", "SL"]))
    assert people == list(invented_people(country, 3000, 1, ["MK", "SL"]))
    assert people[0] != next(invented_people(country, 1, 2, ["MK", "SL"]))
    assert len({person.national_id for person in people}) == 3000
    assert not {person.national_id for person in people} & {person.national_id for person in PEOPLE}


@pytest.mark.parametrize("country", ["NO", "DK"])
def test_invented_people_are_plausible(country):
    people = list(invented_people(country, 3000, 1, ["MK", "SL"]))
    mobiles = [person.mobile for person in people if person.mobile]
    assert [phone_numbers.parse_mobile(mobile, country) for mobile in mobiles] == mobiles
    lists = [sum(person.gp == gp for person in people) for gp in ("MK", "SL", "")]
    assert all(share > 250 for share in lists)
    assert all(person.email.endswith(".example") for person in people if person.email)
    assert {person.gp for person in invented_people(country, 50, 1)} == {""}
