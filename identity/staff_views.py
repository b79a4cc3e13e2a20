"""Staff on the way in and out: password, then code; setting up the code app; recovery codes; own sessions.

allauth's views do the work. Each is wired by hand, so that there is no page that nobody looked at.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.views import LoginView
from allauth.mfa.base.views import AuthenticateView, ReauthenticateView
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clinic_admin import queries as register
from identity import operations, own_sessions, queries
from identity.choices import UserKind
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
    """The code of the app, or a recovery code."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """Put the wrong code into the audit trail too."""
        operations.note_failed_staff_sign_in(
            email=self.stage.login.user.email, reason="code", now=timezone.now()
        )
        return super().form_invalid(form)


class ProveAgainView(FormStatusMixin, ReauthenticateView):
    """The code once more, before something that matters."""


class SetUpView(FormStatusMixin, ActivateTOTPView):
    """The code app, set up before anything else."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Send those who have one on: to show it if this session has not seen it."""
        if queries.has_code_app(request.user):
            if request.session.get(settings.SECOND_FACTOR_MARK):
                return HttpResponseRedirect(reverse("mfa_index"))
            return HttpResponseRedirect(reverse("identity_staff:sign_out_first"))
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Count the code that was just shown as the second factor of this session."""
        response: HttpResponse = super().form_valid(form)
        now = timezone.now()
        user: Any = self.request.user
        record_authentication(self.request, user, "mfa", reauthenticated=True)
        self.request.session.cycle_key()
        operations.note_enrolment(self.request, user, now=now)
        return response

    def get_success_url(self) -> str:
        """Show the recovery codes next."""
        return reverse("mfa_view_recovery_codes")


class RecoveryCodesView(ViewRecoveryCodesView):
    """The recovery codes, to print or note down."""


class NewRecoveryCodesView(FormStatusMixin, GenerateRecoveryCodesView):
    """New recovery codes instead of the old ones."""


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
    """Let staff in who showed both factors; send others to their code app."""

    @for_staff
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.session.get(settings.SECOND_FACTOR_MARK):
            return HttpResponseRedirect(settings.SECOND_FACTOR_URL)
        return view(request, *args, **kwargs)

    return guarded


sign_in = entrance(SignInView.as_view())
code = entrance(CodeView.as_view())
set_up = for_staff(SetUpView.as_view())
prove_again = for_staff_with_code(ProveAgainView.as_view())
recovery_codes = for_staff_with_code(RecoveryCodesView.as_view())
new_recovery_codes = for_staff_with_code(NewRecoveryCodesView.as_view())


@for_staff_with_code
@require_GET
def security(request: HttpRequest) -> HttpResponse:
    """What protects one's own login."""
    return render(request, "mfa/index.html")


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
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, then say so."""
    operations.sign_out(request, now=timezone.now())
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
    """This session never saw the code of an app that exists meanwhile: signing in again shows it."""
    return render(request, "identity/sign_out_first.html")


@signing_in_page
@require_GET
def closed(request: HttpRequest) -> HttpResponse:
    """The login was closed by an administrator."""
    return render(request, "account/account_inactive.html", status=403)
