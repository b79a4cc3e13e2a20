"""What a password of staff may not be, beside Django's rules for its length and the person's own name."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic_admin import queries as register
from identity import policy
from identity.by_code import passwords
from identity.choices import PasswordProblem
from identity.models import User


class NotCommon:
    """Refuses what many people use (identity research, 7)."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ValidationError for a common password."""
        if passwords.is_common(password):
            raise ValidationError(str(PasswordProblem.COMMON.label), code="password_too_common")

    def get_help_text(self) -> str:
        """Return the rule as a sentence."""
        return _("It can't be one that many people use.")


class NotPersonal:
    """Refuses words of the person, of the clinics where they work, and of the product."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ValidationError for a password with such a word of at least four letters in it."""
        context = [passwords.PRODUCT]
        if user is not None:
            context += [user.name, (user.email or "").partition("@")[0]]
            context += [post.clinic.name for post in register.posts_of(user.pk)]
        if policy.has_word_of(password, context):
            raise ValidationError(str(PasswordProblem.PERSONAL.label), code="password_personal")

    def get_help_text(self) -> str:
        """Return the rule as a sentence."""
        return _("It can't hold your name, the clinic's or the portal's.")
