"""What a password of staff may not be."""

from django.contrib.auth.password_validation import MinimumLengthValidator, UserAttributeSimilarityValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic_admin import queries as register
from identity import policy
from identity.by_code import passwords
from identity.choices import PasswordProblem
from identity.models import User


class LongEnough(MinimumLengthValidator):
    """Django's rule of the length, in our words."""

    def get_error_message(self) -> str:
        """Return what to do."""
        return _("Make the password at least %(number)d characters long.") % {"number": self.min_length}

    def get_help_text(self) -> str:
        """Return the rule as a sentence."""
        return _("It needs at least %(number)d characters.") % {"number": self.min_length}


class NotLikeTheirs(UserAttributeSimilarityValidator):
    """Django's rule about what is like the person's e-mail address, in our words."""

    def get_error_message(self) -> str:
        """Return what to do."""
        return _("The password is too much like your e-mail address. Choose another one.")

    def get_help_text(self) -> str:
        """Return the rule as a sentence."""
        return _("It can't be like your e-mail address.")


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
