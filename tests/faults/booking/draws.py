"""Patients ask for urgent times that are drawn."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from services.booking.models import DrawRequest
from services.booking.release import operations as release
from services.booking.release import queries as draws
from services.booking.release.operations import DrawRefused
from tests.faults.booking.world import DAY, World, chosen, mostly, picks


class Draws(World):
    """What those who ask for a drawn time do."""

    @rule(who=picks, with_one=st.booleans(), waits_until_open=mostly)
    def a_patient_asks_for_an_urgent_time(self, who, with_one, waits_until_open):
        if waits_until_open and not draws.window_now(self.clinic, self.now):
            days = (self.today + number * DAY for number in (1, 2))
            opens = (
                (draws.window_of(self.clinic, day).opens_at for day in days)
                if self.clinic.draws_urgent
                else ()
            )
            self.now = next((at + timedelta(minutes=2) for at in opens if at > self.now), self.now)
        release.keep_up(self.clinic, self.now)
        patient = self._patient(who)
        self.do(
            lambda: release.ask(
                **self._as(patient),
                reason="",
                wants_reminder=False,
                providers=[self.doctors[who % 2].pk] if with_one else [],
            ),
            DrawRefused,
            event=("draw.asked", "draw.asked_again"),
        )

    @rule(pick=picks)
    def a_patient_does_not_want_it_any_more(self, pick):
        request = chosen(DrawRequest.objects.order_by("asked_at", "pk"), pick)
        if request is not None:
            asked = self._as(request.patient)
            del asked["assurance"]
            self.do(
                lambda: release.withdraw(**asked, request_id=request.pk), DrawRefused, event="draw.withdrawn"
            )
