"""What pages need of how a patient is reached."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from clinic_admin.models import Clinic
from identity.models import User
from patients.contact import policy
from patients.contact.choices import ContactKind, ContactState
from patients.contact.models import ContactChange, ContactWord
from patients.contact.policy import Word
from patients.guardianship.models import ActingRules
from patients.models import Patient
from portal import crypto
from portal.models import AuditEvent

_CHANGES = ("patient.contact_changed", "patient.updated", "patient.imported", "patient.created")


@dataclass(frozen=True, slots=True)
class Point:
    """One way to reach a patient: the record's value, what is known of it, and what waits."""

    kind: ContactKind
    value: str
    state: ContactState
    word: Word
    waiting: ContactChange | None = None
    waiting_is_open: bool = False
    """Whether its link or code can still be used."""

    @property
    def masked(self) -> str:
        """Return the value for people who may not see it in full."""
        return policy.masked(self.kind, self.value)

    @property
    def word_masked(self) -> str:
        """Return the patient's word for people who may not see it in full."""
        return policy.masked(self.kind, self.word.value)

    @property
    def waiting_masked(self) -> str:
        """Return what waits for people who may not see it in full."""
        return masked_of(self.waiting) if self.waiting else ""

    @property
    def is_mobile(self) -> bool:
        """Return whether it is a phone number, and not an address."""
        return self.kind is ContactKind.MOBILE


def points(patient: Patient, *, now: datetime) -> tuple[Point, ...]:
    """Return e-mail and mobile. Three queries."""
    waiting = {
        change.kind: change
        for change in ContactChange.objects.filter(patient=patient, confirmed_at=None, ended_at=None)
    }
    return tuple(
        Point(
            kind=kind,
            value=getattr(patient, kind),
            state=state,
            word=word,
            waiting=waiting.get(kind),
            waiting_is_open=kind in waiting and waiting[kind].is_open(now),
        )
        for kind, (word, state) in _states(patient, now).items()
    )


def needs_check(patient: Patient, *, may_correct: bool, now: datetime) -> bool:
    """Return whether the patient should be asked at sign-in if everything is still right (003, 000 §9). Two queries.

    What is missing is a question only to who may fill it in now; others see it on the start page.
    """
    settled = {ContactState.CONFIRMED} if may_correct else {ContactState.CONFIRMED, ContactState.MISSING}
    return any(state not in settled for _word, state in _states(patient, now).values())


def _states(patient: Patient, now: datetime) -> dict[ContactKind, tuple[Word, ContactState]]:
    rows = ContactWord.objects.filter(patient=patient)
    words: Mapping[str, Word] = {row.kind: Word(row.value, row.said_at) for row in rows}
    since = (
        ActingRules.objects.filter(patient=patient).values_list("contact_unconfirmed_at", flat=True).first()
    )
    return {
        kind: (
            word := words.get(kind, Word()),
            policy.state(getattr(patient, kind), word, unconfirmed_since=since, now=now),
        )
        for kind in ContactKind
    }


def is_proven(patient: Patient, kind: ContactKind, value: str) -> bool:
    """Return whether the record has this value, and it was confirmed by link or code or kept by the patient. One query."""
    word = ContactWord.objects.filter(patient=patient, kind=kind).first()
    return bool(value) and getattr(patient, kind) == value and word is not None and word.value == value


def seen_mark(patient: Patient) -> str:
    """Return a mark of the values as a page shows them: a form that carries another one was made before a change."""
    return crypto.blind_index(f"{patient.pk}:{patient.email}:{patient.mobile}", purpose="contact-seen")


@dataclass(frozen=True, slots=True)
class LastChange:
    """Who changed the record's value last. `by` is empty for the clinic's own system (an import)."""

    at: datetime
    by: str
    is_staff: bool


def last_changes(patient: Patient) -> dict[str, LastChange]:
    """Return kind -> who changed it last, as the trail tells. Three queries at most."""
    events = AuditEvent.objects.filter(patient_id=patient.pk, action__in=_CHANGES).order_by("-at", "-id")
    latest = {}
    for kind in ContactKind:
        named = Q(details__fields__contains=[kind.value]) | Q(
            action__in=["patient.imported", "patient.created"]
        )
        found = events.filter(named).first()
        if found is not None:
            latest[kind.value] = found
    people = {
        user.pk: user
        for user in User.objects.filter(
            pk__in=[event.actor_id for event in latest.values() if event.actor_id]
        )
    }
    told = {}
    for kind_name, event in latest.items():
        user = people.get(event.actor_id) if event.actor_id else None
        told[kind_name] = LastChange(
            event.at, user.name if user else "", is_staff=user is not None and user.kind == "staff"
        )
    return told


def change_of_link(token_hash: str, *, clinic: Clinic) -> ContactChange | None:
    """Return the clinic's change whose link this is, open or not. One query."""
    rows = ContactChange.objects.filter(token_hash=token_hash, clinic=clinic, kind=ContactKind.EMAIL)
    return rows.select_related("patient", "clinic", "asked_by").first()


def waiting_of(patient: Patient, kind: ContactKind) -> ContactChange | None:
    """Return what waits of this kind, its link or code open or over. One query."""
    return ContactChange.objects.filter(patient=patient, kind=kind, confirmed_at=None, ended_at=None).first()


def masked_of(change: ContactChange) -> str:
    """Return enough of what waits to know it again."""
    return policy.masked(ContactKind(change.kind), change.value or "")
