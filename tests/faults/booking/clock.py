"""Time goes by: workers work, nights fill the calendars, settings change meanwhile."""

from datetime import UTC, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from clinic_admin.models import Clinic
from services.access.choices import Approval
from services.booking import operations
from services.booking.earlier import operations as earlier
from services.booking.guests import operations as guests
from services.booking.release import operations as release
from tests.faults.booking.calendars import Calendars
from tests.faults.booking.world import DAY, picks
from tests.services.booking.build_booking import allow

SETTINGS = ("offers_earlier", "draws_urgent", "books_without_account", "reminds_everyone")


class Clock(Calendars):
    """What happens without anybody at a page."""

    @rule(minutes=st.sampled_from([1, 4, 5, 10, 30, 60, 180, 600, 24 * 60, 3 * 24 * 60]), works=st.booleans())
    def time_goes_by(self, minutes, works):
        self.now += timedelta(minutes=minutes)
        if works:
            self._every_minute()

    @rule(times=st.integers(1, 2))
    def a_minute_passes_and_workers_work(self, times):
        self.now += timedelta(minutes=1)
        for _ in range(times):
            self._every_minute()

    def _every_minute(self) -> None:
        self._pass_on()
        release.keep_up(self.clinic, self.now)

    def _pass_on(self) -> None:
        earlier.pass_on(clinic=self.clinic, now=self.now)

    @rule(times=st.integers(1, 2), hours=st.integers(0, 9))
    def a_night_passes(self, times, hours):
        local = (self.now.astimezone(self.clinic.zone) + DAY).replace(
            hour=3, minute=0, second=0, microsecond=0
        )
        self.now = max(local.astimezone(UTC), self.now) + timedelta(hours=hours)
        self._every_minute()
        self.filled = True
        for doctor in self.doctors:
            operations.extend_calendar(provider=doctor, now=self.now)
            self._look_at_the_calendar(doctor, True)
        if times == 2:
            for doctor in self.doctors:
                again = operations.extend_calendar(provider=doctor, now=self.now)
                assert (again.added, again.removed) == (0, 0), "twice is once"
        guests.forget(now=self.now)
        release.forget_reasons(self.now)

    @rule(pick=picks, setting=st.sampled_from(SETTINGS))
    def a_setting_changes(self, pick, setting):
        if pick % 4:  # now and then
            return
        value = not getattr(self.clinic, setting)
        Clinic.objects.filter(pk=self.clinic.pk).update(**{setting: value})
        setattr(self.clinic, setting, value)

    @rule(pick=picks, approval=st.sampled_from(Approval))
    def a_list_is_approved_otherwise(self, pick, approval):
        allow(self.doctors[pick % 2], approval=approval)
