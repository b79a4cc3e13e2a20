"""People with a password at a clinic, and the steps of signing in with it."""

import re
from datetime import date

from django.urls import reverse
from django.utils import timezone

from identity import national_id
from identity.by_code import codes, memberships
from identity.models import ActionLink, ClinicCodeSignIn, OneTimeCode
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from services.home import code_queries
from tests.build import make_patient
from tests.patients.build_contact import confirmed

PASSWORD = "Fjell-og-hav-7"
NEW_PASSWORD = "en ganske lang setning"
BORN = date(1988, 4, 14)


def number(serial=1, country="NO", born=BORN):
    """Return the synthetic national ID of someone."""
    return national_id.make_synthetic(country, born, serial=serial)


def switch_on(clinic):
    """Let the clinic's patients sign in with password and code."""
    ClinicCodeSignIn.objects.get_or_create(clinic=clinic)
    return clinic


def person(clinic, serial=1, **values):
    """Store an active record with a real-looking national ID, and mobile and e-mail that the patient has confirmed."""
    values.setdefault("mobile", f"+4791234{serial:03d}")
    values.setdefault("email", f"line{serial}@x.example")
    values.setdefault("birth_date", BORN)
    parsed = national_id.parse(number(serial, clinic.country, values["birth_date"]), clinic.country)
    return confirmed(
        make_patient(clinic, national_id=parsed.number, national_id_index=national_id.index(parsed), **values)
    )


def give_password(patient, password=PASSWORD, now=None):
    """Give the patient an active account with password at the record's clinic."""
    switch_on(patient.clinic)
    holder = code_queries.holder_of(patient, patient.clinic)
    return memberships.set_up_for_demo(
        clinic=patient.clinic, holder=holder, password=password, now=now or timezone.now()
    )


def address(name, clinic, *more):
    return reverse(f"home:{name}", args=[clinic.portal_identifier, *more])


def first_step(client, clinic, serial=1, password=PASSWORD, born=BORN, **more):
    """Post national ID and password."""
    who = number(serial, clinic.country, born)
    return client.post(address("code_sign_in", clinic), {"number": who, "password": password}, **more)


def sent_code(now=None):
    """Let the worker handle what waits; return the code of the newest SMS, or None."""
    for question in codes.waiting(now=now or timezone.now()):
        codes.handle(question, now=now or timezone.now())
    message = (
        OutboxMessage.objects.filter(kind=MessageKind.SIGN_IN_CODE).order_by("-created_at", "-pk").first()
    )
    return message and code_in(message.body)


def code_in(text):
    """Return the six digits with which the text begins."""
    return re.match(r"(\d{6}) ", text)[1]


def other_than(code):
    """Return a wrong code."""
    return f"{(int(code) + 1) % 10**6:06d}"


def second_step(client, clinic, code):
    """Post the code."""
    return client.post(address("code_enter", clinic), {"code": code})


def signs_in(client, clinic, serial=1, password=PASSWORD):
    """Both steps."""
    first_step(client, clinic, serial, password)
    return second_step(client, clinic, sent_code())


def is_signed_in(client):
    return "_auth_user_id" in client.session


def newest_question():
    return OneTimeCode.objects.order_by("-created_at").first()


def link_path():
    """Return the path of the newest link, as the e-mail has it."""
    message = OutboxMessage.objects.filter(kind=MessageKind.ACTIVATION).order_by("-created_at").first()
    return re.search(r"https?://[^/]+(/\S+)", message.body)[1]


def ask_for_link(client, clinic, serial=1, **changes):
    """Post the form of the forgotten password, and let the worker handle what waits."""
    form = {
        "number": number(serial, clinic.country),
        "email": f"line{serial}@x.example",
        "mobile": f"+4791234{serial:03d}",
    }
    answer = client.post(address("code_forgotten", clinic), form | changes)
    handle_links()
    return answer


def handle_links(now=None):
    now = now or timezone.now()
    for link in memberships.waiting_links(now=now):
        memberships.handle_link(link, now=now)


def code_for_link(client, clinic, path):
    """Open the link, ask for the code, and return it."""
    client.get(path)
    client.post(address("code_password", clinic), {"do": "send"})
    return sent_code()


def choose(client, clinic, code, password=NEW_PASSWORD, again=None):
    """Post code and new password."""
    return client.post(
        address("code_password", clinic), {"code": code, "password": password, "again": again or password}
    )


def open_links():
    return ActionLink.objects.filter(used_at=None, revoked_at=None, token_hash__isnull=False)
