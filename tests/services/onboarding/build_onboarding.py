"""Builders of new staff."""

from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Role
from services.booking.models import CalendarTemplate
from services.booking.operations import extend_calendar
from services.onboarding.models import NewStaff
from tests.build import make_patient, make_staff_member
from tests.services.access.build_access import give, tick

WEEKDAYS = ["0", "1", "2", "3", "4"]


def page_of(clinic, name, *args):
    return reverse(f"onboarding_admin:{name}", args=[clinic.portal_identifier, *args])


def tomorrow(clinic):
    return today(clinic) + timedelta(days=1)


def sign_in_as(client, post):
    """Sign an existing post in with both factors."""
    client.force_login(post.user, backend=settings.AUTHENTICATION_BACKENDS[0])
    session = client.session
    session[settings.SECOND_FACTOR_MARK] = timezone.now().timestamp()
    session.save()
    UserSession.objects.create(user=post.user, session_key=session.session_key, ip="127.0.0.1")
    client.cookies["django_language"] = "en"
    return client


def make_admin(clinic, *roles, **values):
    return make_staff_member(clinic, *(roles or (Role.CLINIC_ADMINISTRATOR,)), **values)


def answers(clinic, **changes):
    """Return what is filled in for a GP with a list, step by step, as forms send it."""
    told = {
        "role": {
            "name": "Billy Durant",
            "roles": ["provider"],
            "is_provider": "on",
            "kind": "gp",
            "initials": "BD",
            "has_patient_list": "on",
        },
        "calendar": {
            "how": "week",
            "first_day": tomorrow(clinic).isoformat(),
            "weekdays": WEEKDAYS,
            "starts_at": "08:00",
            "ends_at": "12:00",
            "minutes": "20",
        },
        "signature": {"signature": "Billy Durant\nFastlege"},
        "contact": {"email": "billy@legekontor.example", "shown_name": "Dr. Durant"},
        "services": {
            "allowed": "on",
            "with-gp-booking": "on",
            "with-gp-approval": "automatic",
            "with-gp-cancelling": "on",
            "without-gp-approval": "by-hand",
        },
        "delegations": {"lists": ["booking:own", "booking:others"]},
    }
    for step, values in changes.items():
        told[step] = told.get(step, {}) | values
    return told


ASSISTANT = {"name": "Siri Ny", "roles": ["assistant"]}


def begin(client, clinic):
    """Start a wizard and return it."""
    client.post(page_of(clinic, "start"))
    return NewStaff.objects.latest("started_at")


def fill(client, clinic, new, told):
    """Send each step; every one must be taken."""
    answer = None
    for step, sent in told.items():
        answer = client.post(page_of(clinic, "step", new.pk, step), sent)
        assert answer.status_code == 302, (step, answer.context["form"].problems()[0].errors)
    return answer


def finish(client, clinic, new):
    return client.post(page_of(clinic, "step", new.pk, "summary"))


def today(clinic):
    return timezone.now().astimezone(clinic.zone).date()


def settle_in(provider):
    """Give the provider patients, rights, a tick and a weekly calendar, as somebody has who has worked here for a while."""
    give(provider, booking=True)
    tick(provider, provider)
    for _ in range(3):
        make_patient(provider.clinic, gp=provider)
    template = CalendarTemplate.objects.create(
        clinic=provider.clinic,
        provider=provider,
        name="Vinter",
        valid_from=today(provider.clinic) - timedelta(days=30),
    )
    for weekday in "0123456":
        template.blocks.create(weekday=weekday, starts_at="08:00", ends_at="10:00", minutes=20, kind="portal")
    extend_calendar(provider=provider, now=timezone.now())
