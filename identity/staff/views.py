"""Staff on the way in and out: password, then code or passkey; own sessions. Setting factors up: staff_security_views.

allauth's views do the work. Each is wired by hand, so that there is no page that nobody looked at.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.views import LoginView
from allauth.mfa.base.views import AuthenticateView
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from clinic_admin import queries as register
from identity import operations, queries
from identity.choices import UserKind
from identity.session import own_sessions
from identity.session.sign_out_page import ask_to_sign_out
from identity.staff import passkeys
from portal import proof
from portal.audience import signing_in_page

View = Callable[..., HttpResponseBase]


class FormStatusMixin:
    """Answers a form that must be corrected with 422, as all our forms do."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the form again, with what was typed."""
        response = super().form_invalid(form)  # type: ignore[misc]
        response.status_code = 422
        return response  # type: ignore[no-any-return]


class SignInView(FormStatusMixin, LoginView):
    """E-mail and password."""


class CodeView(FormStatusMixin, AuthenticateView):
    """The code of the app, a recovery code, or a passkey."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """Put the wrong answer into the audit trail too."""
        reason = "passkey" if "credential" in form.fields else "code"
        operations.note_failed_staff_sign_in(
            email=self.stage.login.user.email, reason=reason, now=timezone.now()
        )
        return super().form_invalid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what the browser needs to ask for a passkey, for those who have one."""
        words: dict[str, Any] = super().get_context_data(**kwargs)
        user = self.stage.login.user
        words["has_code_app"] = queries.has_code_app(user)
        if queries.passkeys_of(user):
            words["passkey_options"] = passkeys.as_json(words["js_data"]["request_options"])
        return words


def entrance(view: View) -> View:
    """Declare a page of the way in. Patients are told to sign out first: the two never share a session."""

    @signing_in_page
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user: Any = request.user
        if user.is_authenticated and user.kind != UserKind.STAFF:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def for_staff(view: View) -> View:
    """Let staff in who gave their password, whether or not they showed a code."""

    @entrance
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return HttpResponseRedirect(settings.LOGIN_URL)
        return view(request, *args, **kwargs)

    return guarded


def for_staff_with_code(view: View) -> View:
    """Let staff in who showed both factors; send others to set their second one up."""

    @for_staff
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not proof.was_given(request):
            return HttpResponseRedirect(settings.SECOND_FACTOR_URL)
        return view(request, *args, **kwargs)

    return guarded


sign_in = entrance(SignInView.as_view())
code = entrance(CodeView.as_view())


@for_staff_with_code
@require_http_methods(["GET", "HEAD", "POST"])
def my_sessions(request: HttpRequest) -> HttpResponse:
    """Show where the person is signed in, and end it there, or everywhere."""
    now = timezone.now()
    if request.method != "POST":
        listed = own_sessions.listed(request, now=now)
        return render(request, "usersessions/usersession_list.html", {"sessions": listed})
    ended_here = own_sessions.act(request, now=now)
    return HttpResponseRedirect(reverse("identity_staff:signed_out" if ended_here else "usersessions_list"))


@for_staff_with_code
@require_GET
def landing(request: HttpRequest) -> HttpResponse:
    """Take staff to their clinic; those with several choose."""
    user: Any = request.user
    posts = register.posts_of(user.pk)
    if len(posts) == 1:
        return HttpResponseRedirect(
            reverse("booking_staff:calendar", args=[posts[0].clinic.portal_identifier])
        )
    return render(request, "identity/choose_clinic.html", {"posts": posts})


@signing_in_page
@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, then say so. A link only asks."""
    if request.method != "POST":
        return ask_to_sign_out(request, reverse("identity_staff:signed_out"))
    operations.sign_out(request, now=timezone.now(), may_return=True)
    response = HttpResponseRedirect(reverse("identity_staff:signed_out"))
    response.status_code = 303
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


@signing_in_page
@require_GET
def signed_out(request: HttpRequest) -> HttpResponse:
    """Say that the person is signed out."""
    return render(request, "identity/signed_out.html")


@for_staff
@require_GET
def sign_out_first(request: HttpRequest) -> HttpResponse:
    """This session never saw the second factor that exists meanwhile: signing in again shows it."""
    return render(request, "identity/sign_out_first.html")


@signing_in_page
@require_GET
def closed(request: HttpRequest) -> HttpResponse:
    """The login was closed by an administrator."""
    return render(request, "account/account_inactive.html", status=403)
