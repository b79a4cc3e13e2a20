"""Signed-in staff for tests of pages."""

import time

from django.conf import settings

from tests.build import make_staff_member


def sign_in_staff(client, clinic, *roles):
    """Sign the client in with both factors as a new staff member with these roles; an assistant if none is given."""
    post = make_staff_member(clinic, *roles)
    client.force_login(post.user, backend=settings.AUTHENTICATION_BACKENDS[0])
    session = client.session
    session[settings.SECOND_FACTOR_MARK] = time.time()
    session.save()
    return post
