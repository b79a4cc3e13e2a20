"""Weekly calendars, absences and closed days, and what they make of the times."""

from datetime import time

from hypothesis import strategies as st
from hypothesis.stateful import rule

from clinic_admin import operations as clinics
from clinic_admin.choices import Service
from clinic_admin.models import Closure
from clinic_admin.operations import ClinicChangeRefused
from delegation import operations as delegation
from delegation.models import Absence
from delegation.operations import DelegationRefused
from services.booking.absences import operations as absence_operations
from services.booking.absences import queries as absence_queries
from services.booking.models import CalendarTemplate
from services.booking.operations import BookingRefused
from services.booking.weekly import operations as template_operations
from services.booking.weekly.operations import TemplateRefused
from services.booking.weekly.policy import WeekBlock
from tests.faults.booking import model
from tests.faults.booking.model import Row, Week
from tests.faults.booking.world import DAY, World, chosen, picks

kinds = st.sampled_from(["portal", "portal", "urgent", "phone", "internal"])
rows = st.builds(
    Row,
    weekday=st.integers(0, 6),
    clock=st.sampled_from([time(1, 30), time(2, 0), time(8, 0), time(8, 30), time(11, 30), time(15, 20)]),
    minutes=st.sampled_from([20, 30, 60]),
    number=st.integers(1, 3),
    kind=kinds,
)
weeks_of_rows = st.lists(rows, min_size=1, max_size=5).map(tuple)


class Calendars(World):
    """What administrators do to the calendar."""

    def _save(self, doctor, week, valid_from, valid_until, template_id):
        blocks = [WeekBlock(row.weekday, row.clock, row.ends_at, row.minutes, row.kind) for row in week]
        self.filled = True
        return template_operations.save_template(
            **self._desk,
            provider=doctor,
            name="Week",
            valid_from=valid_from,
            valid_until=valid_until,
            blocks=blocks,
            template_id=template_id,
        )

    @rule(
        pick=picks,
        week=weeks_of_rows,
        begins=st.integers(-3, 20),
        lasts=st.none() | st.integers(0, 30),
        changes=st.booleans(),
    )
    def a_weekly_calendar_is_written(self, pick, week, begins, lasts, changes):
        doctor = self.doctors[pick % 2]
        old = (
            chosen(CalendarTemplate.objects.filter(provider=doctor).order_by("pk"), pick) if changes else None
        )
        valid_from = self.today + begins * DAY
        valid_until = None if lasts is None else valid_from + lasts * DAY
        done = self.do(
            lambda: self._save(doctor, week, valid_from, valid_until, old and old.pk),
            TemplateRefused,
            event="calendar-template.saved",
        )
        self._look_at_the_calendar(doctor, done)

    @rule(pick=picks)
    def a_weekly_calendar_is_deleted(self, pick):
        template = chosen(CalendarTemplate.objects.order_by("pk"), pick)
        if template is None:
            return
        doctor = next(one for one in self.doctors if one.pk == template.provider_id)
        self.filled = True
        done = self.do(
            lambda: template_operations.delete_template(**self._desk, template_id=template.pk),
            event="calendar-template.deleted",
        )
        self._look_at_the_calendar(doctor, done)

    def _look_at_the_calendar(self, doctor, done) -> None:
        if not done:
            return
        weeks = [
            Week(
                tuple(
                    Row(
                        int(block.weekday),
                        block.starts_at,
                        block.minutes,
                        _minutes(block.starts_at, block.ends_at) // block.minutes,
                        block.kind,
                    )
                    for block in template.blocks.all()
                ),
                template.valid_from,
                template.valid_until,
            )
            for template in CalendarTemplate.objects.filter(provider=doctor).prefetch_related("blocks")
        ]
        away = [
            *Absence.objects.filter(provider=doctor).values_list("first_day", "last_day"),
            *Closure.objects.filter(clinic=self.clinic).values_list("first_day", "last_day"),
        ]
        times = model.wanted(
            weeks, country=self.clinic.country, zone=self.clinic.zone, away=away, now=self.now
        )
        self.planned[doctor.pk] = {(one.starts_at, one.ends_at, one.kind) for one in times}
        picture = self._picture()
        wrong = model.the_calendar_is_what_was_wanted(picture, doctor.pk, times, self.clinic.zone)
        assert not (found := list(wrong)), found

    @rule(pick=picks, begins=st.integers(0, 12), lasts=st.integers(0, 9), has_cover=st.booleans())
    def a_doctor_goes_away(self, pick, begins, lasts, has_cover):
        doctor, other = self.doctors[pick % 2], self.doctors[(pick + 1) % 2]
        first = self.today + begins * DAY
        covers = dict.fromkeys((Service.BOOKING, Service.URGENT), other) if has_cover else {}
        self.do(
            lambda: delegation.add_absence(
                **self._desk, provider=doctor, first_day=first, last_day=first + lasts * DAY, covers=covers
            ),
            DelegationRefused,
            event="absence.added",
        )

    @rule(pick=picks)
    def a_doctor_comes_back(self, pick):
        absence = chosen(Absence.objects.order_by("pk"), pick)
        if absence is not None:
            self.do(
                lambda: delegation.remove_absence(**self._desk, absence_id=absence.pk),
                event="absence.removed",
            )

    @rule(pick=picks, answer=st.sampled_from(["move", "keep", "tell"]))
    def staff_answer_what_an_absence_does(self, pick, answer):
        absence = chosen(Absence.objects.prefetch_related("covers__provider").order_by("pk"), pick)
        if absence is None:
            return
        absence.clinic = self.clinic
        touched = chosen(absence_queries.of_absence(absence, now=self.now).order_by("starts_at"), pick)
        touched = touched or self._appointment(pick)
        if touched is None:
            return
        asked = {
            "absence": absence,
            "appointment_id": touched.pk,
            "version": touched.version,
            "actor": self.staff,
            "now": self.now,
        }
        if answer == "move":
            slot = self._slot(pick, kind=touched.kind)
            if slot is not None:
                act = absence_operations.move_to_cover
                self.do(lambda: act(**asked, slot_id=slot.pk), BookingRefused, event="appointment.moved")
            return
        act = absence_operations.keep if answer == "keep" else absence_operations.tell_patient
        self.do(lambda: act(**asked), BookingRefused, event="appointment.absence_answered")

    @rule(begins=st.integers(-1, 12), lasts=st.integers(0, 4))
    def the_clinic_closes(self, begins, lasts):
        first = self.today + begins * DAY
        self.do(
            lambda: clinics.add_closure(**self._desk, first_day=first, last_day=first + lasts * DAY),
            ClinicChangeRefused,
            event="closure.added",
        )

    @rule(pick=picks)
    def the_clinic_opens_again(self, pick):
        closure = chosen(Closure.objects.order_by("pk"), pick)
        if closure is not None:
            self.do(
                lambda: clinics.remove_closure(**self._desk, closure_id=closure.pk), event="closure.removed"
            )


def _minutes(begin: time, end: time) -> int:
    return (end.hour - begin.hour) * 60 + end.minute - begin.minute
