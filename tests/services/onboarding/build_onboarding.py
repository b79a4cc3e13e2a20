"""Builders of new staff."""

from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Role
from services.onboarding.models import NewStaff
from tests.build import make_staff_member

WEEKDAYS = ["0", "1", "2", "3", "4"]


def page_of(clinic, name, *args):
    return reverse(f"onboarding_admin:{name}", args=[clinic.portal_identifier, *args])


def tomorrow(clinic):
    return timezone.now().astimezone(clinic.zone).date() + timedelta(days=1)


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
