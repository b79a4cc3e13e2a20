"""Who acts for somebody is never taken for them: every page they can open is read, as it stands in many states."""

import inspect
import os
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.template import Context, Template
from django.utils import translation

from clinic_admin.choices import Service
from clinic_admin.models import Clinic
from delegation.models import MatrixTick
from patients.guardianship.choices import Area
from patients.models import Patient
from portal import catalogues
from portal.audience import Audience, audience_of
from portal.readers import to_whom
from services.access.choices import Approval
from services.access.models import ProviderRights, SpecialRights
from services.booking.choices import AppointmentStatus, SlotState
from services.booking.earlier.choices import WishStatus
from services.booking.earlier.models import EarlierOffer, EarlierWish
from services.booking.models import Appointment, DrawRequest, RefusalWords, Slot
from services.booking.release import operations as release
from services.booking.release.choices import Outcome
from tests.architecture.test_house_rules import every_pattern
from tests.build import make_provider
from tests.patients.build_contact import save
from tests.patients.build_reader import TO_WHO_ACTS, YOU, Reader
from tests.services.booking.build_booking import NOW, allow, make_slot
from tests.services.booking.build_earlier import make_offer
from tests.services.booking.build_release import CLOSES, DURING, OPENS, ask, someone, urgent
from tests.services.booking.build_staff import make_appointment

pytestmark = pytest.mark.django_db
LANGUAGES = ("en", "nb", "da") if os.environ.get("VENTEROM_LONG") else ("en",)
"""In which every page is walked; that the others' sentences are right is seen from their texts, too."""
REASON = "Feber siden tirsdag"
PHONE = {"mobile": "+4791234567"}


def at(moment):
    """Stop the clock."""
    return time_machine.travel(moment, tick=False)


def day(number, hour=10):
    """Return an hour of a day that many days from Monday."""
    return datetime(2026, 11, 23, hour, tzinfo=UTC) + timedelta(days=number)


def form(**values):
    """Return what the form of booking sends."""
    return {"reason": REASON, "form_key": str(uuid.uuid4())} | values


# -- what a mother meets -----------------------------------------------------------------------------------
def nothing_there(reader):
    """Nothing is booked, nothing is free, and nobody waits for anything."""
    for values, patient in (({"offers_earlier": True, "draws_urgent": True}, {}), ({"phone": ""}, PHONE)):
        reader.acts(values, patient)
        for name in ("home:start", "booking:find", "booking:any_urgent", "booking:appointments"):
            reader.get(name)
        for name in ("earlier:mine", "release:ask", "home:consultation", "home:renewal"):
            reader.get(name)
        reader.get("booking:find", query="?provider=999999")


def nothing_open(reader):
    """The clinic has closed everything for the child."""
    for values in ({}, {"phone": ""}):
        world = reader.acts(values)
        SpecialRights.objects.create(patient=world.patient, booking=False, consultation=False, renewal=False)
        own = make_appointment(make_slot(world.gp, day(3)), world.patient, status=AppointmentStatus.BOOKED)
        for name in ("home:start", "booking:find", "home:consultation", "home:renewal"):
            reader.get(name)
        reader.get("booking:move", own.pk)
    world = reader.acts({"offers_earlier": True})
    other = make_provider(world.clinic)
    allow(other)
    make_slot(world.gp, day(3))
    reader.get("booking:find", query=f"?provider={other.pk}")
    reader.get("earlier:join")
    reader.post("earlier:join", sent={"providers": [str(other.pk)], "first_day": "x", "last_day": ""})


def other_services(reader):
    """e-Consultations and renewals are open, with somebody or with nobody online."""
    world = reader.acts()
    ProviderRights.objects.update(consultation=True, renewal=True)
    for service in (Service.CONSULTATION, Service.RENEWAL):
        MatrixTick.objects.create(clinic=world.clinic, service=service, row=world.gp, provider=world.gp)
    for name in ("home:start", "home:consultation", "home:renewal"):
        reader.get(name)


def contact_and_insight(reader):
    """The child's contact details, empty, known and about to change; and who has looked."""
    for patient in ({}, PHONE | {"email": "ola@x.example"}):
        world = reader.acts({} if patient else {"phone": ""}, patient)
        reader.get("patients:details")
        reader.get("own:log")
        assert (
            save(reader.client, world.patient, mobile="+4790000000", email="ny@x.example").status_code == 302
        )
        reader.get("patients:details")
        reader.post("patients:waiting", sent={"act": "code", "code": "000000"})
        reader.post("patients:waiting", sent={"act": "again", "kind": "email"})
        reader.post("patients:waiting", sent={"act": "cancel", "kind": "email"})


def booking(reader):
    """Free times, the form, the receipt; by hand and at once; with and without a number."""
    contacts = (PHONE, {"email": "ola@x.example"}, {})
    for patient, rights in zip(
        contacts, ({}, {"approval": Approval.BY_HAND}, {"cancelling": False}), strict=True
    ):
        world = reader.acts({"offers_earlier": True, "cancel_notice_hours": 24}, patient, **rights)
        slot, soon = make_slot(world.gp, day(3)), make_slot(world.gp, day(0, 12))
        hot = urgent(world)
        reader.get("booking:find")
        reader.get("booking:book", slot.pk)
        reader.get("booking:book", soon.pk)
        reader.get("booking:any_urgent")
        reader.post("booking:book", slot.pk, sent=form(reason=""))
        reader.post("booking:book", slot.pk, sent=form(form_key="x"))
        reader.post("booking:book", slot.pk, sent=form(wants_reminder="on"))
        made = Appointment.objects.get(patient=world.patient)
        assert made.slot_id == slot.pk
        for name in ("home:start", "booking:appointments", "booking:find"):
            reader.get(name)
        reader.get("booking:calendar_file", made.pk)
        reader.post("booking:reminder", made.pk, sent={"on": "0"})
        reader.post("booking:reminder", made.pk, sent={"on": "1"})
        reader.get("booking:cancel", made.pk)
        reader.post("booking:cancel", made.pk)
        reader.post("booking:cancel", made.pk)
        reader.get("booking:cancel", made.pk)
        reader.post("booking:book", soon.pk, sent=form())
        reader.get("booking:appointments")
        Slot.objects.filter(pk=hot.pk).update(state=SlotState.BLOCKED)
        reader.post("booking:any_urgent", sent=form())
        reader.post("booking:any_urgent", sent=form(), headers={"hx-request": "true"})
    reader.acts({"reminds_everyone": True}, PHONE)
    reader.get("booking:any_urgent")


def answers_of_the_clinic(reader):
    """A request is refused with words; an appointment is cancelled by the clinic; one was long ago."""
    for values in ({}, {"phone": ""}):
        world = reader.acts(values, PHONE)
        states = (
            {"status": AppointmentStatus.REFUSED, "decided_at": NOW},
            {"status": AppointmentStatus.CANCELLED, "cancelled_at": NOW, "cancelled_by": world.user},
            {"status": AppointmentStatus.BOOKED},
        )
        for number, state in enumerate(states):
            slot = make_slot(world.gp, day(2 - 3 * number))
            own = make_appointment(slot, world.patient, requested_at=NOW, **state)
            if number == 0:
                RefusalWords.objects.create(appointment=own, words="Ring oss heller.")
            reader.get("booking:appointment", own.pk)
            for name in ("booking:cancel", "booking:move"):
                reader.get(name, own.pk)
        reader.get("booking:appointments")


def lost(reader):
    """The time went to somebody else, or there is something in the way."""
    world = reader.acts({"most_upcoming": 3, "most_urgent": 1, "offers_earlier": True}, PHONE)
    gone, other = make_slot(world.gp, day(3), state=SlotState.TAKEN), make_slot(world.gp, day(4))
    own = make_appointment(make_slot(world.gp, day(5)), world.patient, status=AppointmentStatus.BOOKED)
    second = make_provider(world.clinic)
    allow(second, row=world.gp)
    beside = make_slot(second, day(5))
    for slot in (gone, beside):
        reader.get("booking:book", slot.pk)
        reader.post("booking:book", slot.pk, sent=form())
        reader.post("booking:book", slot.pk, sent=form(), headers={"hx-request": "true"})
        reader.get("booking:move_to", own.pk, slot.pk)
    reader.get("booking:book", 999_999)
    reader.get("booking:nearest", gone.pk, headers={"hx-request": "true"})
    reader.get("booking:find")
    reader.get("booking:find", query=f"?provider={second.pk}&part=morning")
    Clinic.objects.update(most_upcoming=1)
    for how in ({}, {"headers": {"hx-request": "true"}}):
        reader.post("booking:book", other.pk, sent=form(), **how)
        reader.get("booking:nearest", gone.pk, headers={"hx-request": "true"})
    Clinic.objects.update(most_upcoming=5, most_urgent=1)
    hot = make_slot(world.gp, day(1, 13), kind="urgent")
    make_appointment(hot, world.patient, status=AppointmentStatus.BOOKED)
    reader.post("booking:book", urgent(world).pk, sent=form())
    reader.get("booking:any_urgent")
    Clinic.objects.update(most_urgent=None)
    Slot.objects.filter(kind="urgent", state=SlotState.FREE).delete()
    make_slot(second, day(1, 13), kind="urgent")
    reader.get("booking:any_urgent")
    reader.post("booking:any_urgent", sent=form())


def moving(reader):
    """One time for another, at once and by hand, too late, and lost."""
    for rights in ({}, {"approval": Approval.BY_HAND}, {"cancelling": False}):
        world = reader.acts({"cancel_notice_hours": 24}, PHONE, **rights)
        own = make_appointment(make_slot(world.gp, day(5)), world.patient, status=AppointmentStatus.BOOKED)
        reader.get("booking:move", own.pk)
        slot = make_slot(world.gp, day(4))
        reader.get("booking:move", own.pk)
        reader.get("booking:move_to", own.pk, slot.pk)
        reader.post(
            "booking:move_to", own.pk, slot.pk, sent={"version": own.version + 7, "form_key": uuid.uuid4()}
        )
        reader.post(
            "booking:move_to", own.pk, slot.pk, sent={"version": own.version, "form_key": uuid.uuid4()}
        )
        for number, made in enumerate(Appointment.objects.filter(patient=world.patient)):
            reader.get("booking:appointment", made.pk)
            reader.get("booking:move", made.pk)
            reader.get("booking:move_to", made.pk, make_slot(world.gp, day(3, 8 + number)).pk)
        near = make_appointment(
            make_slot(world.gp, day(0, 14)), world.patient, status=AppointmentStatus.BOOKED
        )
        for name in ("booking:appointment", "booking:cancel", "booking:move"):
            reader.get(name, near.pk)


def earlier_times(reader):
    """She puts the child on the list, is offered a time, and lets it go or takes it."""
    for rights in ({}, {"approval": Approval.BY_HAND}):
        world = reader.acts({"offers_earlier": True}, PHONE, **rights)
        own = make_appointment(make_slot(world.gp, day(20)), world.patient, status=AppointmentStatus.BOOKED)
        reader.get("earlier:join")
        reader.get("earlier:join_for", own.pk)
        suits = {"weekdays": ["1"], "part": "any", "first_day": "2026-11-23", "last_day": "2026-12-10"}
        reader.post("earlier:join_for", own.pk, sent={})
        reader.post("earlier:join", sent=suits | {"reason": ""})
        reader.post("earlier:join_for", own.pk, sent=suits | {"first_day": "2027-03-01"})
        reader.post("earlier:join_for", own.pk, sent=suits)
        reader.post("earlier:leave", EarlierWish.objects.get(patient=world.patient).pk)
        wish, offer = make_offer(world.gp, world.patient)
        for name in ("earlier:mine", "home:start", "booking:find", "booking:appointments"):
            reader.get(name)
        reader.get("earlier:offer", offer.pk)
        beside = make_appointment(make_slot(make_provider(world.clinic), offer.starts_at), world.patient)
        reader.get("earlier:offer", offer.pk)
        reader.post("earlier:offer", offer.pk, sent={"act": "accept"})
        beside.delete()
        EarlierWish.objects.filter(pk=wish.pk).update(appointment=own)
        reader.get("earlier:offer", offer.pk)
        reader.get("earlier:mine")
        reader.post("earlier:offer", offer.pk, sent={"act": "decline"})
        reader.get("earlier:offer", offer.pk)
        Clinic.objects.update(offers_earlier=False)
        reader.get("earlier:mine")
        EarlierWish.objects.filter(pk=wish.pk).update(status=WishStatus.LEFT, ended_at=NOW)
        Clinic.objects.update(offers_earlier=True)
        _wish, late = make_offer(make_provider(world.clinic), world.patient)
        EarlierOffer.objects.filter(pk=late.pk).update(expires_at=NOW + timedelta(minutes=1))
        with at(NOW + timedelta(minutes=2)):
            reader.get("earlier:offer", late.pk)
            reader.post("earlier:offer", late.pk, sent={"act": "accept"})


def the_draw(reader):
    """She asks for an urgent time: before, within and after the window, won, lost and taken back."""
    with at(OPENS - timedelta(minutes=1)):
        world = reader.acts({"draws_urgent": True, "cancel_notice_hours": 24}, PHONE)
        second = make_provider(world.clinic)
        allow(second, row=world.gp)
        release.keep_up(world.clinic, NOW)
        slots = [urgent(world), urgent(world, 11, provider=second)]
        reader.get("release:ask")
        reader.get("booking:find")
    with at(DURING):
        for name in ("home:start", "booking:find", "release:ask"):
            reader.get(name)
        for number, slot in enumerate(slots):
            make_appointment(
                make_slot(make_provider(world.clinic), slot.starts_at),
                world.patient,
                status=AppointmentStatus.BOOKED,
            )
            reader.get("release:ask")
            if number:
                Clinic.objects.update(most_upcoming=1)
                reader.post("release:ask", sent={"reason": REASON})
                Clinic.objects.update(most_upcoming=None)
        reader.post("release:ask", sent={"reason": ""})
        reader.post("release:ask", sent={"reason": REASON, "providers": ["999999"]})
        reader.post("release:ask", sent={"reason": REASON, "providers": [str(world.gp.pk)]})
        for name in ("home:start", "booking:find", "booking:appointments"):
            reader.get(name)
        reader.get("release:ask", query="?change=1")
        own = DrawRequest.objects.get(patient=world.patient)
        reader.post("release:withdraw", own.pk)
        reader.post("release:ask", sent={"reason": REASON})
        ask(someone(world, national_id="y", national_id_index=f"y-{world.clinic.pk}"))
    with at(CLOSES + timedelta(seconds=2)):
        reader.post("release:ask", sent={"reason": REASON})
        reader.get("release:request", own.pk)
        for outcome in (
            Outcome.NONE_LEFT,
            Outcome.NOT_ALLOWED,
            Outcome.TOO_MANY,
            Outcome.WON,
            Outcome.OWN_TIME,
        ):
            won = (
                {
                    "slot_number": 10**9,
                    "appointment": Appointment.objects.filter(patient=world.patient).first(),
                }
                if outcome == Outcome.WON
                else {"slot_number": None, "appointment": None}
            )
            DrawRequest.objects.filter(pk=own.pk).update(outcome=outcome, rank=7, **won)
            for name in ("home:start", "booking:find", "booking:appointments"):
                reader.get(name)
            reader.get("release:request", own.pk)


SCENES = (
    nothing_there,
    nothing_open,
    other_services,
    contact_and_insight,
    booking,
    answers_of_the_clinic,
    lost,
    moving,
    earlier_times,
    the_draw,
)


def open_to_who_acts():
    """Return the names of the pages that are open to somebody who acts."""
    found = set()
    for _address, pattern in every_pattern():
        area = inspect.getclosurevars(inspect.unwrap(pattern.callback, stop=_is_guarded)).nonlocals.get(
            "area"
        )
        if audience_of(pattern.callback) == Audience.PATIENT and isinstance(area, Area):
            found.add(pattern.name)
    return found


def _is_guarded(view):
    return audience_of(view) is not None


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_takes_who_acts_for_the_patient(language):
    reader = Reader(language)
    for scene in SCENES:
        with at(NOW):
            scene(reader)
    assert sorted(set(reader.faults)) == []
    missed = open_to_who_acts() - {name.partition(":")[2] for name in reader.visited}
    assert not missed, "open to who acts, and not read here"
    assert not set(TO_WHO_ACTS) - reader.met, "allowed, and met nowhere: leave it out"


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_a_sentence_about_the_patient_by_name_says_no_you_in_any_language(language):
    """What speaks to whoever reads all the same stands in the list of what does so on purpose."""
    you, found = re.compile(rf"\b(?:{YOU[language]})\b", re.IGNORECASE), []
    for entry in catalogues.stored(language):
        source = str(entry.id)
        if "{name}" in source and source not in TO_WHO_ACTS and you.search(str(entry.string)):
            found.append((source, entry.string))
    assert found == []


# -- one sentence for each ---------------------------------------------------------------------------------
def rendered(acting_for, source, language="en", **values):
    """Return what a template says, with a patient called Åse <b>."""
    patient = Patient(given_name="Åse <b>")
    with translation.override(language):
        return Template(source).render(Context({"patient": patient, "acting_for": acting_for, **values}))


def test_the_patient_reads_you_and_who_acts_reads_the_name():
    assert to_whom("", "You wait.", "{name} waits.") == "You wait."
    assert to_whom("Ola", "You wait.", "{name} waits.") == "Ola waits."


def test_the_page_says_who_reads_and_values_are_escaped():
    source = (
        '{% to_whom _("You wait for") _("{name} waits for") %}: '
        '{% to_whom "at {when}" "{name} at {when}" when=moment %}'
    )
    assert rendered(None, source, moment="1<2") == "You wait for: at 1&lt;2"
    assert rendered("mother", source, moment="1<2") == "Åse &lt;b&gt; waits for: Åse &lt;b&gt; at 1&lt;2"


def test_it_can_be_kept_for_a_title_without_being_escaped_twice():
    source = '{% to_whom "You can\'t" "{name} can\'t" as title %}<h1>{{ title }}</h1>'
    assert rendered(None, source) == "<h1>You can't</h1>"
    assert rendered("mother", source) == "<h1>Åse &lt;b&gt; can't</h1>"


def test_where_nobody_is_signed_in_it_speaks_to_whoever_reads():
    assert Template('{% to_whom "You" "{name}" %}').render(Context()) == "You"


@pytest.mark.parametrize("language", ["nb", "da"])
def test_the_sentences_are_translated_where_the_tag_stands(language):
    said = rendered("mother", '{% to_whom _("You are in the draw") _("{name} is in the draw") %}', language)
    assert said.startswith("Åse &lt;b&gt; er med i ")


def test_a_page_that_takes_her_for_the_child_is_found():
    reader = Reader("en")
    reader.hear("a page", "Put it in my calendar You wait for Nothing")
    assert [fault.partition(":")[0] for fault in reader.faults] == ["a page"]
    assert "You wait for" in reader.faults[0]
