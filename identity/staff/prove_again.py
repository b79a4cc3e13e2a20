"""Asks staff for their second factor once more before a dangerous act, and then carries on where they were.

What was filled in travels through the question as hidden fields, so that nothing is lost and nothing is stored. Each
try counts as at sign-in (five wrong ones per login), and a code works once.
"""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone

from identity import operations, policy, queries
from identity.staff import passkeys
from identity.staff.forms import CodeAgainForm
from identity.staff.passkey_forms import PasskeyAgainForm
from portal import proof

PREFIX = "proof"
"""Names of the question's own fields begin with it; what it asks about never sees them."""
_TOKEN = "csrfmiddlewaretoken"  # noqa: S105  the name of a field


def page_before(request: HttpRequest) -> HttpResponse | None:
    """Return the question that must be answered before this request is carried out, or None if it may be now.

    A good answer in the request itself is taken; the request then looks as it did before the question.
    """
    answer = request.POST
    request.POST = _without_answer(answer)  # type: ignore[assignment]  # a QueryDict as before
    if proof.is_fresh(request, now=timezone.now()):
        return None
    if request.FILES:
        return render(request, "mfa/prove_before_file.html", {"back": _page_of(request)}, status=403)
    question = Question(request, answer)
    if question.is_answered():
        return None
    kept = [(name, value) for name, values in request.POST.lists() for value in values if name != _TOKEN]
    back = policy.own_path(answer.get(f"{PREFIX}-back", "")) or _page_of(request)
    return question.page(kept=kept, address=request.get_full_path(), back=back, status=403)


class Question:
    """The form: a code, or a passkey for those who have one."""

    def __init__(self, request: HttpRequest, answer: QueryDict) -> None:
        user: Any = request.user
        self._request, self._user = request, user
        self._has_passkeys = bool(queries.passkeys_of(user))
        is_passkey, is_code = f"{PREFIX}-credential" in answer, f"{PREFIX}-code" in answer
        self._is_sent = is_passkey or is_code
        chose_passkey = is_passkey and bool(answer[f"{PREFIX}-credential"])
        self._passkey = PasskeyAgainForm(answer if chose_passkey else None, user=user, prefix=PREFIX)
        self._code = CodeAgainForm(
            answer if is_code and not chose_passkey else None, user=user, prefix=PREFIX
        )
        self._form = self._passkey if chose_passkey else self._code

    def is_answered(self) -> bool:
        """Return whether a right answer came along; note it, or the wrong one."""
        if not self._is_sent:
            return False
        now = timezone.now()
        if self._form.is_valid():
            self._form.save()
            operations.note_proof_again(self._request, self._user, factor=self._factor(), now=now)
            return True
        operations.note_failed_staff_sign_in(email=self._user.email, reason="again", now=now)
        return False

    def _factor(self) -> str:
        """Return what kind of factor was shown."""
        shown = (
            self._passkey.cleaned_data["credential"]
            if self._form is self._passkey
            else self._code.authenticator
        )
        return str(shown.type)

    def page(
        self, *, kept: list[tuple[str, str]], address: str, back: str, status: int = 200
    ) -> HttpResponse:
        """Ask. `kept` goes on to `address` with the answer, `back` is for second thoughts; `status` is the first page's."""
        words = {
            "form": self._code,
            "passkey_form": self._passkey,
            "passkey_options": passkeys.request_options(self._user) if self._has_passkeys else "",
            "kept": [*kept, (f"{PREFIX}-back", back)],
            "back": back,
            "address": address,
        }
        return render(self._request, "mfa/prove_again.html", words, status=422 if self._is_sent else status)


def _without_answer(answer: QueryDict) -> QueryDict:
    rest = answer.copy()
    for name in [name for name in rest if name.startswith(f"{PREFIX}-")]:
        del rest[name]
    rest._mutable = False
    return rest


def _page_of(request: HttpRequest) -> str:
    """Return the page of ours that the form stood on, else the address it went to."""
    came_from = request.headers.get("Referer", "")
    path = urlsplit(came_from).path if came_from.startswith(f"{settings.BASE_URL}/") else ""
    return policy.own_path(path) or request.path
