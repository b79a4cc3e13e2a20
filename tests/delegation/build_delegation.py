"""Builders for pages of the administration."""

import time

from django.conf import settings

from clinic_admin.choices import Role
from tests.build import make_staff_member


def sign_in(client, clinic, *roles):
    """Sign a new staff member of the clinic in with both factors, an administrator if no role is given."""
    post = make_staff_member(clinic, *(roles or [Role.CLINIC_ADMINISTRATOR]))
    client.force_login(post.user, backend=settings.AUTHENTICATION_BACKENDS[0])
    session = client.session
    session[settings.SECOND_FACTOR_MARK] = time.time()
    session.save()
    return post
