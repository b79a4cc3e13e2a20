"""What must be true after every act."""

from collections import Counter
from datetime import datetime

from django.db import connection
from hypothesis.stateful import invariant

from notifications.choices import MessageKind, State
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from services.booking import policy
from services.booking.choices import LIVE, AppointmentStatus
from services.booking.earlier.choices import OfferStatus
from services.booking.earlier.models import EarlierOffer
from services.booking.models import Appointment, Draw, DrawRequest
from services.booking.release import queries as draws
from services.booking.release.choices import Outcome
from tests.faults.booking import model
from tests.faults.booking.model import Picture
from tests.faults.booking.world import World, plain


class Truths(World):
    """What hypothesis looks at after every act."""

    @invariant()
    def everything_agrees(self):
        if not hasattr(self, "clinic"):
            return
        connection.check_constraints()
        picture = self._picture()
        found = [fault for sentence in model.SENTENCES for fault in sentence(picture)]
        self._count(picture)
        if self.before is not None:
            found += model.nobody_gets_a_second_place_unless_staff_put_them_there(self.before, picture)
            found += model.offers_go_in_the_order_of_joining(self.before, picture)
            found += model.nothing_was_touched(self.before, picture, filled=self.filled)
            found += model.nothing_comes_free_that_no_calendar_has(self.before, picture, self.planned)
        assert not found, found
        self.before, self.filled = picture, False

    def _count(self, picture: Picture) -> None:
        """Count what the trail has since the last look, and offers that went to the next in line."""
        events = AuditEvent.objects.filter(pk__gt=self.counted).order_by("pk").values_list("pk", "action")
        for pk, action in events:
            self.acts[action] += 1
            self.counted = pk
        known = {one.pk for one in self.before.offers} if self.before else set()
        for offer in picture.offers:
            others = EarlierOffer.objects.filter(slot=offer.slot_id).exclude(pk=offer.pk)
            if offer.pk not in known:
                self.acts.update(
                    f"offered after: {status}" for status in others.values_list("status", flat=True)
                )

    @invariant()
    def patients_are_told_what_is_true(self):
        """Each booked appointment has the reminder it should, of its version; all others have none waiting."""
        if not hasattr(self, "clinic"):
            return
        waiting: dict[str, list[OutboxMessage]] = {}
        queued = OutboxMessage.objects.filter(state=State.QUEUED).defer("recipient", "title", "body")
        for message in queued:
            waiting.setdefault(message.subject_id, []).append(message)
        for one in Appointment.objects.select_related("patient").defer("reason"):
            due_at = self._due(one)
            reminders = [m for m in waiting.get(str(one.pk), ()) if m.kind == MessageKind.REMINDER]
            assert [(m.version, m.due_at) for m in reminders] == (
                [(one.version, due_at)] if due_at else []
            ), f"{one} ({one.status}, version {one.version}) has reminders {reminders}, should at {due_at}"
            if one.status not in LIVE:
                kinds = {m.kind for m in waiting.get(str(one.pk), ())}
                assert kinds <= {MessageKind.BOOKING_CANCELLED, MessageKind.BOOKING_REFUSED}, (one, kinds)
        for offer in EarlierOffer.objects.all():
            queued = [(one.kind, one.not_after) for one in waiting.get(str(offer.pk), ())]
            is_open = offer.status == OfferStatus.OPEN
            assert queued == ([(MessageKind.TIME_OFFERED, offer.expires_at)] if is_open else []), offer
        told = self._told_once(MessageKind.TIME_OFFERED)
        assert told == {str(pk) for pk in EarlierOffer.objects.values_list("pk", flat=True)}
        lost = DrawRequest.objects.exclude(outcome__in=[Outcome.WAITING, Outcome.WITHDRAWN, Outcome.WON])
        assert self._told_once(MessageKind.DRAW_LOST) == {str(pk) for pk in lost.values_list("pk", flat=True)}

    def _told_once(self, kind: MessageKind) -> set[str]:
        told = Counter(OutboxMessage.objects.filter(kind=kind).values_list("subject_id", flat=True))
        assert set(told.values()) <= {1}, f"told twice: {told}"
        return set(told)

    def _due(self, one: Appointment) -> datetime | None:
        """Return when the reminder of the appointment is due, as it was to be at the act that gave it its version."""
        key = (one.version, one.status)
        if one.pk not in self.told or self.told[one.pk][0] != key:
            wants = one.status == AppointmentStatus.BOOKED and (
                one.wants_reminder or self.clinic.reminds_everyone
            )
            due_at = policy.reminder_time(
                one.starts_at,
                hours_ahead=self.clinic.reminder_hours_ahead,
                zone=self.clinic.zone,
                now=self.now,
            )
            self.told[one.pk] = (key, due_at if wants and one.patient.mobile else None)
        return self.told[one.pk][1]

    @invariant()
    def draws_can_be_repeated(self):
        if not hasattr(self, "clinic"):
            return
        for draw in Draw.objects.filter(drawn_at__isnull=False):
            assert draws.faults_of(draw) == []
            requests = [plain(one) for one in draw.requests.defer("reason")]
            wrong = list(model.the_draw_is_what_its_seed_says(plain(draw), requests))
            assert not wrong, wrong
