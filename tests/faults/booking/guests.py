"""People without an account ask, and are answered."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from services.booking.guests import operations as guests
from services.booking.guests.choices import GuestStatus
from services.booking.guests.operations import GuestRefused
from services.booking.models import GuestRequest
from tests.faults.booking.world import World, chosen, mostly, picks
from tests.services.booking.build_guests import code_sent, wish


class Guests(World):
    """What somebody without an account does."""

    @rule(pick=picks, knows_code=mostly, late=mostly.map(lambda often: not often))
    def somebody_without_an_account_asks(self, pick, knows_code, late):
        slot = self._slot(pick, kind="portal")
        if slot is None:
            return
        self.serial += 1
        form = wish(self.serial % 3 + 1, country=self.clinic.country, mobile=f"+4799{self.serial % 2:06d}")
        started = self.do(
            lambda: guests.start(clinic=self.clinic, slot_id=slot.pk, wish=form, now=self.now), GuestRefused
        )
        if started is None:
            return
        code = code_sent(started.request_id) if knows_code else "000000"
        if late:
            self.now += timedelta(minutes=11)
        self.do(
            lambda: guests.confirm(
                clinic=self.clinic, request_id=started.request_id, code=code, now=self.now
            ),
            GuestRefused,
            event="guest.requested" if knows_code else (),
            may_write=True,  # every try counts
        )

    @rule(pick=picks, where=picks)
    def somebody_without_an_account_takes_another_time(self, pick, where):
        guest = chosen(GuestRequest.objects.filter(status=GuestStatus.STARTED).order_by("created_at"), pick)
        slot = self._slot(where)
        if guest is not None and slot is not None:
            self.do(
                lambda: guests.choose(clinic=self.clinic, request_id=guest.pk, slot_id=slot.pk, now=self.now),
                GuestRefused,
                event="guest.requested",
            )

    @rule(pick=picks, answer=st.sampled_from(["approve", "approve", "refuse", "withdraw"]))
    def a_guests_request_is_answered(self, pick, answer):
        guest = chosen(GuestRequest.objects.exclude(status=GuestStatus.STARTED).order_by("created_at"), pick)
        if guest is None:
            return
        events = {"approve": "guest.approved", "refuse": "guest.refused", "withdraw": "guest.withdrawn"}
        asked = {"clinic": self.clinic, "request_id": guest.pk, "now": self.now}
        if answer != "withdraw":
            asked["actor"] = self.staff
        self.do(lambda: getattr(guests, answer)(**asked), GuestRefused, event=events[answer])
