"""allauth's forms for staff, with labels in the words of our own pages."""

from typing import Any

from allauth.account.forms import LoginForm
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

LONGEST = {"login": 254, "password": 200, "code": 20}
"""Characters of what is written at sign-in. A code of the app has six, one for emergencies eight."""


class StaffLoginForm(LoginForm):
    """E-mail and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, "login", _("E-mail"))
        _say(self, "password", _("Password"))


class CodeForm(AuthenticateForm):
    """The second factor at sign-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, "code", _("Code from the app"))


class CodeAgainForm(ReauthenticateForm):
    """The second factor before something that matters for the login's safety."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, "code", _("Code from the app"))


class FirstCodeForm(ActivateTOTPForm):
    """The first code of a new code app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, "code", _("Code from the app"))


def _say(form: forms.Form, name: str, label: Any) -> None:
    field = form.fields[name]
    field.label = label
    field.widget.attrs["maxlength"] = LONGEST[name]
    field.validators.append(MaxLengthValidator(LONGEST[name]))
    field.widget.attrs.pop("placeholder", None)
