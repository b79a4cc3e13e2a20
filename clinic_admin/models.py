"""The clinic's register: the clinic, who works there, and when it is open."""

from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic_admin.choices import (
    LANGUAGES,
    RESERVED_IDENTIFIERS,
    Country,
    ProviderKind,
    Role,
    SelfRegistration,
    TextKind,
    Weekday,
)
from clinic_admin.code_countries import COUNTRIES


def refuse_reserved(identifier: str) -> None:
    """Raise ValidationError if the identifier is the first word of an address of our own."""
    if identifier.lower() in RESERVED_IDENTIFIERS:
        raise ValidationError(_("This word is used by the portal itself. Choose another."), code="reserved")


class Clinic(models.Model):
    """One office with its own portal."""

    name = models.CharField(max_length=120)
    portal_identifier = models.CharField(
        max_length=60,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*$"), refuse_reserved],
    )
    country = models.CharField(max_length=2, choices=Country.choices)
    time_zone = models.CharField(max_length=40)
    street = models.CharField(max_length=120, blank=True)
    postcode = models.CharField(max_length=10, blank=True)
    city = models.CharField(max_length=60, blank=True)
    phone = models.CharField(max_length=20, blank=True)
    out_of_hours_phone = models.CharField(max_length=20, blank=True)
    """Whom patients phone when it can't wait until the clinic opens; empty is the country's number, if it has one."""
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=False)
    urgent_release_at = models.TimeField(default=time(16, 0))
    """When the next day's urgent slots come out, by the clinic's clock (000 §2.2)."""
    draws_urgent = models.BooleanField(default=False)
    """Urgent slots are asked for in a window from the release hour on, and drawn at its end."""
    draw_minutes = models.PositiveSmallIntegerField(default=10)
    """How long that window is."""
    drew_until = models.DateField(null=True)
    """The last day for which patients may have asked when drawing was switched off: they are drawn for all the same."""
    requires_eid_for_consultation = models.BooleanField(default=True)
    reminds_everyone = models.BooleanField(default=False)
    """The clinic sends and pays the reminders; patients are not asked (000 §2.2)."""
    reminder_hours_ahead = models.PositiveSmallIntegerField(default=24)
    sms_ore = models.PositiveSmallIntegerField(null=True)
    """What an SMS costs the patient who asks for it, in hundredths of the currency; empty is the country's price."""
    longest_question = models.PositiveSmallIntegerField(default=500)
    """Characters a patient may write in an e-consultation (000 §2.2)."""
    self_registration = models.CharField(
        max_length=10, choices=SelfRegistration.choices, default=SelfRegistration.OFF.value
    )
    requires_own_gp = models.BooleanField(default=True)
    """Only the clinic's own GP patients are approved automatically (002)."""
    books_without_account = models.BooleanField(default=False)
    """People without an account may ask for a time; staff approve each (004)."""
    code_countries = ArrayField(models.CharField(max_length=2), default=list, blank=True)
    """Whose mobiles codes go to beside Norwegian and Danish ones: codes of code_countries."""
    cancel_notice_hours = models.PositiveSmallIntegerField(default=0)
    """Until how many hours before, by the clinic's clock, patients can cancel or move online; 0 is until it begins."""
    most_upcoming = models.PositiveSmallIntegerField(null=True)
    """How many coming appointments a patient may have booked online; empty is any number."""
    most_urgent = models.PositiveSmallIntegerField(null=True)
    """How many of them may be urgent."""
    offers_earlier = models.BooleanField(default=False)
    """Patients can wait for an earlier time; one that comes free is offered to one of them at a time."""
    earlier_minutes = models.PositiveSmallIntegerField(default=60)
    """How long such an offer stands at most."""

    class Meta:
        constraints = [
            models.CheckConstraint(name="clinic_country_known", condition=Q(country__in=Country.values)),
            models.CheckConstraint(
                name="clinic_identifier_is_lower_case",
                condition=Q(portal_identifier__regex=r"^[a-z0-9]+(-[a-z0-9]+)*$")
                & ~Q(portal_identifier__in=sorted(RESERVED_IDENTIFIERS)),
            ),
            models.CheckConstraint(
                name="clinic_code_countries_known",
                condition=Q(code_countries__contained_by=sorted(COUNTRIES)),
            ),
            models.CheckConstraint(
                name="clinic_self_registration_known",
                condition=Q(self_registration__in=SelfRegistration.values),
            ),
            models.CheckConstraint(
                name="clinic_booking_limits_sensible",
                condition=Q(cancel_notice_hours__lte=168)
                & (Q(most_upcoming__isnull=True) | Q(most_upcoming__gte=1))
                & (Q(most_urgent__isnull=True) | Q(most_urgent__gte=1)),
            ),
            models.CheckConstraint(
                name="clinic_earlier_minutes_sensible",
                condition=Q(earlier_minutes__gte=10, earlier_minutes__lte=1440),
            ),
            models.CheckConstraint(
                name="clinic_draw_minutes_sensible", condition=Q(draw_minutes__gte=5, draw_minutes__lte=60)
            ),
            models.CheckConstraint(
                name="clinic_sms_price_sensible", condition=Q(sms_ore__isnull=True) | Q(sms_ore__lte=2000)
            ),
            models.CheckConstraint(
                name="clinic_reminder_hours_sensible",
                condition=Q(reminder_hours_ahead__gte=1, reminder_hours_ahead__lte=168),
            ),
        ]

    def __str__(self) -> str:
        return self.portal_identifier

    @property
    def zone(self) -> ZoneInfo:
        """Return the clinic's time zone; its days and wall clock are what patients and staff mean."""
        return ZoneInfo(self.time_zone)

    @property
    def asking_time(self) -> timedelta:
        """Return how long after the release hour urgent slots are only asked for; nothing where nothing is drawn."""
        return timedelta(minutes=self.draw_minutes) if self.draws_urgent else timedelta()

    def may_draw(self, today: date) -> bool:
        """Return whether lots are drawn for today or later: the clinic draws, or did when somebody asked."""
        return self.draws_urgent or (self.drew_until is not None and self.drew_until >= today)

    @property
    def language(self) -> str:
        """Return the language its pages speak until the reader chooses another."""
        return Country(self.country).language


class FormerIdentifier(models.Model):
    """What a clinic's portal was called before. Its old links lead on for ever, so nobody else can have it."""

    identifier = models.CharField(max_length=60, unique=True)
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="former_identifiers")

    def __str__(self) -> str:
        return self.identifier


class OpeningHours(models.Model):
    """When the clinic is open on a weekday, by its own clock. A day without a row is a closed day."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="opening_hours")
    weekday = models.CharField(max_length=1, choices=Weekday.choices)
    opens_at = models.TimeField()
    closes_at = models.TimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clinic", "weekday", "opens_at"], name="opening_hours_once"),
            models.CheckConstraint(name="opening_hours_in_order", condition=Q(closes_at__gt=F("opens_at"))),
        ]

    def __str__(self) -> str:
        return f"{self.weekday} {self.opens_at:%H:%M}-{self.closes_at:%H:%M}"


class Closure(models.Model):
    """Days on which the whole clinic is closed, both ends included. No slots are made on them."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="closures")
    first_day = models.DateField()
    last_day = models.DateField()
    reason = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="closure_in_order", condition=Q(last_day__gte=F("first_day")))
        ]
        indexes = [models.Index(fields=["clinic", "last_day"], name="closure_by_clinic")]

    def __str__(self) -> str:
        return f"{self.first_day} - {self.last_day}"

    def covers(self, day: date) -> bool:
        """Return whether the clinic is closed on the day."""
        return self.first_day <= day <= self.last_day


class StaffMember(models.Model):
    """A person's post at a clinic. The same person can have posts at several."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="staff_members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="posts")
    name = models.CharField(max_length=120)
    roles = ArrayField(models.CharField(max_length=30, choices=Role.choices))
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clinic", "user"], name="staff_member_once_per_clinic"),
            models.CheckConstraint(
                name="staff_member_roles_known",
                condition=Q(roles__contained_by=Role.values) & Q(roles__len__gte=1),
            ),
        ]

    def __str__(self) -> str:
        return f"staff member {self.pk}"

    @property
    def is_administrator(self) -> bool:
        """Return whether this person may save the clinic's settings."""
        return bool({Role.CLINIC_ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR} & set(self.roles))

    @property
    def is_system_administrator(self) -> bool:
        """Return whether this person may set up message delegation and identity providers (000 §4.3)."""
        return Role.SYSTEM_ADMINISTRATOR in self.roles


class ProviderQuerySet(models.QuerySet["Provider"]):
    """Words for sets of providers."""

    def for_clinic(self, clinic: Clinic) -> "ProviderQuerySet":
        """Return the clinic's own providers."""
        return self.filter(clinic=clinic)

    def active(self) -> "ProviderQuerySet":
        """Return those who work here now, in the order in which lists show them."""
        return self.filter(is_active=True).order_by("position", "name", "pk")


class Provider(models.Model):
    """Someone whom patients can book or write to. Without portal access nobody can, whatever is ticked."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="providers")
    staff_member = models.OneToOneField(
        StaffMember, null=True, blank=True, on_delete=models.PROTECT, related_name="provider"
    )
    name = models.CharField(max_length=120)
    initials = models.CharField(max_length=5)
    kind = models.CharField(max_length=10, choices=ProviderKind.choices)
    has_patient_list = models.BooleanField(default=False)
    has_portal_access = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    objects = ProviderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clinic", "initials"], name="provider_initials_once_per_clinic"),
            models.UniqueConstraint(fields=["id", "clinic"], name="provider_id_with_clinic"),
        ]

    def __str__(self) -> str:
        return self.initials


class ClinicText(models.Model):
    """One version of a text that the clinic wrote. Rows are never changed: the highest number is in force."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="texts")
    kind = models.CharField(max_length=30, choices=TextKind.choices)
    language = models.CharField(max_length=2, blank=True)
    """Empty for signatures, which are the same in every language."""
    provider = models.ForeignKey(
        Provider, null=True, blank=True, on_delete=models.CASCADE, related_name="signatures"
    )
    """Whose signature it is; None for other texts."""
    number = models.PositiveIntegerField()
    """1 is the first that replaced the factory text."""
    body = models.TextField(null=True)
    """None: back to the standard text."""
    saved_at = models.DateTimeField()
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "kind", "language", "provider", "number"],
                nulls_distinct=False,
                name="clinic_text_version_once",
            ),
            models.CheckConstraint(
                name="clinic_text_signature_has_provider",
                condition=Q(kind=TextKind.SIGNATURE, provider__isnull=False, language="")
                | (~Q(kind=TextKind.SIGNATURE) & Q(provider__isnull=True, language__in=LANGUAGES)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.language} {self.number}"
