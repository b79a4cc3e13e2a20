"""Signed-in patients for tests of pages."""

from django.conf import settings
from django.utils import timezone

from identity import sessions
from identity.choices import Assurance, Method, UserKind
from identity.models import Account
from tests.build import make_user


def sign_in(client, patient, *, clinic_scope=None, method=Method.BANKID, assurance=Assurance.HIGH):
    """Sign the client in, by eID if nothing else is said, as the person of this record; returns the login."""
    user = make_user(kind=UserKind.PATIENT, name=patient.full_name)
    Account.objects.create(
        user=user,
        country=patient.clinic.country,
        national_id=patient.national_id,
        national_id_index=patient.national_id_index,
    )
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    session = client.session
    request = type("Request", (), {"session": session})()
    now = timezone.now()
    how = sessions.SignIn(method, assurance, now, clinic_scope=clinic_scope)
    sessions.store(request, how)
    session.save()
    return user
