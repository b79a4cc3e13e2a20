"""Passwords of staff without a session: the first one from a link, a forgotten one, a new one from another link."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from identity.by_code import code_sender
from identity.choices import StaffLinkPurpose, StaffLinkRefusal
from identity.staff import links as staff_links
from identity.staff import passwords as staff_passwords
from identity.staff.link_forms import ForgottenForm, PasswordForm
from identity.staff.links import StaffLinkRefused
from identity.staff.passwords import TooManyTries
from identity.staff.views import entrance
from portal import network_address

_KEYS = {StaffLinkPurpose.WELCOME: "staff_link", StaffLinkPurpose.NEW_PASSWORD: "staff_password_link"}
"""Session keys of the hashes of the links that this browser opened."""


@entrance
@require_safe
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """Take the link's word out of the address before a page is shown. Nothing is used up."""
    return _keep(request, StaffLinkPurpose.WELCOME, token, "identity_staff:choose_password")


@entrance
@require_safe
def new_password_link(request: HttpRequest, token: str) -> HttpResponse:
    """The same for the link that was asked for because a password was forgotten."""
    return _keep(request, StaffLinkPurpose.NEW_PASSWORD, token, "identity_staff:choose_new_password")


@entrance
@require_http_methods(["GET", "HEAD", "POST"])
def choose_password(request: HttpRequest) -> HttpResponse:
    """Ask new staff for a password, and use the link up when it is good."""
    return _choose(request, StaffLinkPurpose.WELCOME)


@entrance
@require_http_methods(["GET", "HEAD", "POST"])
def choose_new_password(request: HttpRequest) -> HttpResponse:
    """Ask for a new password. It opens no session: the second factor is still needed."""
    return _choose(request, StaffLinkPurpose.NEW_PASSWORD)


@entrance
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for the address one signs in with; answer the same to everyone."""
    form = ForgottenForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(
            request, "identity/forgotten.html", {"form": form}, status=422 if form.is_bound else 200
        )
    try:
        question = staff_passwords.ask(
            email=form.cleaned_data["email"],
            network_address=network_address.of(request),
            now=timezone.now(),
        )
    except TooManyTries:
        form.add_error(None, _("Too many attempts. Wait an hour, or ask an administrator of your clinic."))
        return render(request, "identity/forgotten.html", {"form": form}, status=429)
    code_sender.send_staff_link_soon(question.pk)
    return redirect("identity_staff:forgotten_sent")


@entrance
@require_safe
def forgotten_sent(request: HttpRequest) -> HttpResponse:
    """Say what happens if somebody signs in with that address."""
    return render(request, "identity/forgotten_sent.html")


def _keep(request: HttpRequest, purpose: StaffLinkPurpose, token: str, then: str) -> HttpResponse:
    request.session[_KEYS[purpose]] = staff_links.hash_of(token)
    return HttpResponseRedirect(reverse(then))


def _choose(request: HttpRequest, purpose: StaffLinkPurpose) -> HttpResponse:
    now = timezone.now()
    token_hash = str(request.session.get(_KEYS[purpose], ""))
    is_new = purpose is StaffLinkPurpose.NEW_PASSWORD
    try:
        link = staff_links.open_link(token_hash, purpose=purpose, now=now)
        form = PasswordForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            staff_links.choose_password(
                token_hash=token_hash, purpose=purpose, password=form.cleaned_data["password"], now=now
            )
            request.session.pop(_KEYS[purpose], None)
            messages.success(request, _done(is_new=is_new))
            return HttpResponseRedirect(reverse("account_login"))
    except ValidationError as error:
        form.add_error("password", error)
    except StaffLinkRefused as refused:
        was_used = refused.reason == StaffLinkRefusal.USED
        words = {"sentence": refused.message, "was_used": was_used, "is_new": is_new}
        return render(request, "identity/staff_link_over.html", words, status=410)
    page = {"form": form, "link": link, "is_new": is_new}
    return render(request, "identity/choose_password.html", page, status=422 if form.is_bound else 200)


def _done(*, is_new: bool) -> str:
    if is_new:
        return _("Your new password is chosen, and you are signed out everywhere. Sign in with it.")
    return _("Your password is chosen. Sign in with it; then you set up your second step.")
