"""The machine that hypothesis draws its stories from: a clinic, its people, people from the street, and the clock."""

from datetime import UTC, datetime, time

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from clinic_admin.choices import Country
from identity.choices import UserKind
from services.access.choices import Approval
from tests.build import make_clinic, make_patient, make_provider, make_user
from tests.faults.booking.desk import Desk
from tests.faults.booking.draws import Draws
from tests.faults.booking.guests import Guests
from tests.faults.booking.model import Row
from tests.faults.booking.patients import Patients
from tests.faults.booking.truths import Truths
from tests.faults.booking.waiting import Waiting
from tests.faults.booking.world import DAY, mostly
from tests.services.booking.build_booking import allow
from tests.services.booking.build_guests import open_to_guests

BEGINNINGS = (
    # the Thursday before the clocks go forward, a week before Easter
    datetime(2026, 3, 26, 9, 30, tzinfo=UTC),
    # the Thursday before they go back
    datetime(2026, 10, 22, 13, 50, tzinfo=UTC),
    # Norway has a holiday more than Denmark
    datetime(2026, 5, 12, 6, 0, tzinfo=UTC),
    # Christmas
    datetime(2026, 12, 22, 20, 45, tzinfo=UTC),
)
USUAL = (
    *(Row(weekday, time(9, 0), 20, 3, "portal") for weekday in range(5)),
    *(Row(weekday, time(12, 0), 30, 2, "urgent") for weekday in range(5)),
    *(Row(weekday, time(14, 0), 60, 1, "internal") for weekday in (1, 3)),
    Row(6, time(1, 40), 20, 6, "portal"),  # across the hour that is left out, or comes twice
)
LASTS = 17 * DAY


class Clinics(Patients, Guests, Waiting, Draws, Desk, Truths):
    """One clinic, two doctors, four patients and staff. All can be done that anybody can do, in any order."""

    @initialize(
        country=st.sampled_from([Country.NORWAY, Country.DENMARK]),
        now=st.sampled_from(BEGINNINGS),
        earlier_times=mostly,
        draws_urgent=st.booleans(),
        limits=st.sampled_from([(None, None), (None, None), (3, 1)]),
        notice=st.sampled_from([0, 0, 24]),
        reminds_everyone=st.booleans(),
    )
    def open_the_clinic(self, country, now, earlier_times, draws_urgent, limits, notice, reminds_everyone):
        self.now = now
        self.clinic = make_clinic(
            country=country,
            offers_earlier=earlier_times,
            draws_urgent=draws_urgent,
            most_upcoming=limits[0],
            most_urgent=limits[1],
            cancel_notice_hours=notice,
            reminds_everyone=reminds_everyone,
            books_without_account=True,
        )
        self.doctors = [make_provider(self.clinic) for _ in range(2)]
        for doctor, approval in zip(self.doctors, (Approval.AUTOMATIC, Approval.BY_HAND), strict=True):
            allow(doctor, approval=approval)
            allow(doctor, row=next(one for one in self.doctors if one != doctor), approval=approval)
            open_to_guests(doctor)
        self.staff = make_user(kind=UserKind.STAFF)
        self.patients = [make_patient(self.clinic, gp=self.doctors[place % 2]) for place in range(4)]
        for patient in self.patients:
            patient.clinic = self.clinic
        self.users = {
            patient.pk: make_user(kind=UserKind.PATIENT, name=patient.full_name) for patient in self.patients
        }
        for doctor in self.doctors:
            done = self._save(doctor, USUAL, self.today, self.today + LASTS, None)
            self._look_at_the_calendar(doctor, done)
        for place, patient in enumerate(self.patients):
            self._book(patient, self._slot(4 * place + 1, kind="portal"), reminds=True)
