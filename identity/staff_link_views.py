"""The way in for new staff: the link of the e-mail, then a password of one's own."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from identity import staff_links
from identity.choices import StaffLinkRefusal
from identity.staff_link_forms import PasswordForm
from identity.staff_links import StaffLinkRefused
from identity.staff_views import entrance

_KEY = "staff_link"
"""Session key of the hash of the link that this browser opened."""


@entrance
@require_safe
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """Take the link's word out of the address before a page is shown. Nothing is used up."""
    request.session[_KEY] = staff_links.hash_of(token)
    return HttpResponseRedirect(reverse("identity_staff:choose_password"))


@entrance
@require_http_methods(["GET", "HEAD", "POST"])
def choose_password(request: HttpRequest) -> HttpResponse:
    """Ask for a password, and use the link up when it is good."""
    now = timezone.now()
    token_hash = str(request.session.get(_KEY, ""))
    try:
        link = staff_links.open_link(token_hash, now=now)
        form = PasswordForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            staff_links.choose_password(
                token_hash=token_hash, password=form.cleaned_data["password"], now=now
            )
            request.session.pop(_KEY, None)
            messages.success(
                request, _("Your password is chosen. Sign in with it; then you set up the code app.")
            )
            return HttpResponseRedirect(reverse("account_login"))
    except ValidationError as error:
        form.add_error("password", error)
    except StaffLinkRefused as refused:
        was_used = refused.reason == StaffLinkRefusal.USED
        words = {"sentence": refused.message, "was_used": was_used}
        return render(request, "identity/staff_link_over.html", words, status=410)
    status = 422 if form.is_bound else 200
    return render(request, "identity/choose_password.html", {"form": form, "link": link}, status=status)
