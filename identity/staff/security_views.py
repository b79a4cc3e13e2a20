"""Staff's own login: what protects it, setting up code app and passkeys, recovery codes, a new password.

allauth's views set factors up. The first one follows the password; everything later needs a fresh proof.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote, urlencode

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from django.views.generic.edit import FormView

from clinic_admin import queries as register
from identity import operations, policy, queries
from identity.choices import LoginNews
from identity.staff import factors, passkeys
from identity.staff import passwords as staff_passwords
from identity.staff.factors import FactorRefused
from identity.staff.link_forms import OwnPasswordForm
from identity.staff.passkey_forms import NameForm
from identity.staff.passwords import TooManyTries, WrongPassword
from identity.staff.prove_again import Question
from identity.staff.views import FormStatusMixin, for_staff, for_staff_with_code
from portal import proof

View = Callable[..., HttpResponseBase]


def needs_proof(view: View) -> View:
    """Let staff in whose second factor was shown within the last minutes; ask others for it, and bring them back."""

    @for_staff_with_code
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not proof.is_fresh(request, now=timezone.now()):
            return _to_proof(request)
        return view(request, *args, **kwargs)

    return guarded


class EnrolmentMixin(FormStatusMixin):
    """Setting up a factor. The first one counts as shown; those who have one must show it before they add another."""

    news: LoginNews
    request: HttpRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Send on whoever has a factor that this session has not seen, or not lately."""
        self.is_first = not queries.has_second_factor(request.user)
        if not self.is_first and not proof.was_given(request):
            return HttpResponseRedirect(reverse("identity_staff:sign_out_first"))
        if not self.is_first and not proof.is_fresh(request, now=timezone.now()):
            return _to_proof(request)
        return FormView.dispatch(self, request, *args, **kwargs)  # type: ignore[arg-type]  # the mixin's other half

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Say whether this is the first factor."""
        words: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return words | {
            "form": kwargs.get("form", words["form"]),
            "is_first": self.is_first,
            "passkeys_are_possible": passkeys.are_possible(),
        }

    def form_valid(self, form: Any) -> HttpResponse:
        """Store the factor, and tell of it."""
        now = timezone.now()
        user: Any = self.request.user
        with transaction.atomic():
            factors.lock(user)
            if self.is_first and queries.has_second_factor(user):  # set up elsewhere this very moment
                return HttpResponseRedirect(reverse("identity_staff:sign_out_first"))
            self.before(user)
            response: HttpResponse = super().form_valid(form)  # type: ignore[misc]
            factors.note(user, self.news, now=now)
        if self.is_first:
            record_authentication(self.request, user, "mfa", reauthenticated=True)
            operations.note_enrolment(self.request, now=now)
        return response

    def before(self, user: Any) -> None:
        """Make room for the new factor, if it takes another one's place."""


class SetUpView(EnrolmentMixin, ActivateTOTPView):
    """The code app, or another one in its place."""

    news = LoginNews.CODE_APP

    def before(self, user: Any) -> None:
        """Only one code app counts at a time."""
        factors.forget_code_app(user)

    def form_valid(self, form: Any) -> HttpResponse:
        """Use up the code that was shown."""
        response = super().form_valid(form)
        factors.use_up(self.request.user, form.cleaned_data["code"])  # type: ignore[arg-type]  # staff, by the guard
        return response


class NewPasskeyView(EnrolmentMixin, AddWebAuthnView):
    """A new passkey."""

    news = LoginNews.PASSKEY

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what the browser needs to make one."""
        words = super().get_context_data(**kwargs)
        return words | {"passkey_options": passkeys.as_json(words["js_data"]["creation_options"])}


class RecoveryCodesView(ViewRecoveryCodesView):
    """The recovery codes, shown once: to save, print or note down."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add them as a file that the browser saves by itself, without asking again and without scripts."""
        words: dict[str, Any] = super().get_context_data(**kwargs)
        user: Any = self.request.user
        if words["can_view_codes"]:
            title = _("Recovery codes of %(email)s, Venterom") % {"email": user.email}
            text = "\r\n".join([title, *words["unused_codes"], ""])
            words["file"] = f"data:text/plain;charset=utf-8,{quote(text)}"
        return words


class NewRecoveryCodesView(FormStatusMixin, GenerateRecoveryCodesView):
    """New recovery codes instead of the old ones."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Tell of them."""
        user: Any = self.request.user
        with transaction.atomic():
            response = super().form_valid(form)
            factors.note(user, LoginNews.RECOVERY_CODES, now=timezone.now())
        return response


set_up = for_staff(SetUpView.as_view())
new_passkey = for_staff(NewPasskeyView.as_view())
recovery_codes = needs_proof(require_GET(RecoveryCodesView.as_view()))
new_recovery_codes = needs_proof(NewRecoveryCodesView.as_view())


@for_staff_with_code
@require_GET
def security(request: HttpRequest) -> HttpResponse:
    """What protects one's own login, with times by the clock of the clinic where the person works."""
    user: Any = request.user
    words = {"factors": factors.factors_of(user), "passkeys_are_possible": passkeys.are_possible()}
    posts = register.posts_of(user.pk)
    with timezone.override(posts[0].clinic.zone if posts else None):
        return render(request, "mfa/index.html", words)


@for_staff_with_code
@require_http_methods(["GET", "HEAD", "POST"])
def prove_again(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor once more, then lead on to where the person was going."""
    there = policy.own_path((request.POST or request.GET).get("next", "")) or reverse("mfa_index")
    question = Question(request, request.POST)
    if question.is_answered():
        return redirect(there)
    return question.page(
        kept=[("next", there)], address=reverse("mfa_reauthenticate"), back=reverse("mfa_index")
    )


@needs_proof
@require_http_methods(["GET", "HEAD", "POST"])
def rename_passkey(request: HttpRequest, passkey_id: int) -> HttpResponse:
    """Call a passkey something else."""
    user: Any = request.user
    passkey = _own(request, passkey_id)
    form = NameForm(request.POST if request.method == "POST" else None, initial={"name": passkey.name})
    if form.is_valid():
        factors.rename_passkey(user, passkey_id, name=form.cleaned_data["name"], now=timezone.now())
        messages.success(request, _("Saved."))
        return redirect("mfa_index")
    words = {"form": form, "passkey": passkey}
    return render(request, "mfa/webauthn/edit_form.html", words, status=422 if form.is_bound else 200)


@needs_proof
@require_http_methods(["GET", "HEAD", "POST"])
def remove_passkey(request: HttpRequest, passkey_id: int) -> HttpResponse:
    """Ask whether a passkey is to go, and take it away."""
    user: Any = request.user
    name = _own(request, passkey_id).name
    return _remove(request, name, lambda: factors.remove_passkey(user, passkey_id, now=timezone.now()))


@needs_proof
@require_http_methods(["GET", "HEAD", "POST"])
def remove_code_app(request: HttpRequest) -> HttpResponse:
    """Ask whether the code app is to go, and take it away."""
    user: Any = request.user
    if not queries.has_code_app(user):
        raise Http404
    return _remove(request, "", lambda: factors.remove_code_app(user, now=timezone.now()))


@needs_proof
@require_http_methods(["GET", "HEAD", "POST"])
def own_password(request: HttpRequest) -> HttpResponse:
    """Choose a new password. The one so far is asked for as well."""
    user: Any = request.user
    form = OwnPasswordForm(request.POST if request.method == "POST" else None)
    status = 422 if form.is_bound else 200
    if form.is_valid():
        try:
            staff_passwords.change_own(
                request,
                user,
                old=form.cleaned_data["old"],
                new=form.cleaned_data["password"],
                now=timezone.now(),
            )
        except WrongPassword:
            form.add_error("old", _("This is not your password so far."))
        except TooManyTries:
            form.add_error("old", _("Too many attempts. Wait five minutes, then try again."))
            status = 429
        except ValidationError as error:
            form.add_error("password", error)
        else:
            messages.success(request, _("Your new password is chosen. You are signed out everywhere else."))
            return redirect("mfa_index")
    return render(request, "mfa/password.html", {"form": form}, status=status)


def _remove(request: HttpRequest, name: str, remove: Callable[[], None]) -> HttpResponse:
    refusal = None
    if request.method == "POST":
        try:
            remove()
        except Authenticator.DoesNotExist:
            raise Http404 from None
        except FactorRefused as refused:
            refusal = refused.message
        else:
            messages.success(request, _("Taken away."))
            return redirect("mfa_index")
    words = {"name": name, "refusal": refusal}
    return render(request, "mfa/remove.html", words, status=409 if refusal else 200)


def _own(request: HttpRequest, passkey_id: int) -> factors.Passkey:
    user: Any = request.user
    found = factors.passkey_of(user, passkey_id)
    if found is None:
        raise Http404
    return found


def _to_proof(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('mfa_reauthenticate')}?{urlencode({'next': request.path})}")
