"""Who may act for which patient, and what a register's extract says."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from patients.guardianship.choices import PROXY_AREAS, Area, Basis, Source, Status
from portal.fields import EncryptedTextField
from portal.models import PublicIdModel


class ActingRules(models.Model):
    """What the clinic decided about acting for one patient. No row: as the country's rules say."""

    patient = models.OneToOneField(
        "patients.Patient", primary_key=True, on_delete=models.CASCADE, related_name="acting_rules"
    )
    closed_at = models.DateTimeField(null=True)
    """Nobody may act for the patient online, as with a protected address."""
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    letters_open_at = models.DateTimeField(null=True)
    """Guardians may read and write e-consultations, although the child is old enough for its own."""
    letters_open_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    of_age_at = models.DateTimeField(null=True)
    """When the clock tidied up after the birthday from which nobody acts for the patient any more."""
    contact_unconfirmed_at = models.DateTimeField(null=True)
    """Since when e-mail and mobile may be the guardians': the patient has to confirm or correct them."""

    def __str__(self) -> str:
        return f"acting rules of {self.patient_id}"


class Guardian(PublicIdModel):
    """One adult and one child: what the source last said (kept for a day at most), and the clinic's own word."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    patient = models.ForeignKey("patients.Patient", on_delete=models.CASCADE, related_name="guardians")
    """The child."""
    adult_national_id = EncryptedTextField()
    adult_index = models.CharField(max_length=64)
    adult_name = models.CharField(max_length=160, blank=True)

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.UNKNOWN)
    basis = models.CharField(max_length=20, choices=Basis.choices, blank=True)
    valid_from = models.DateField(null=True)
    valid_to = models.DateField(null=True)
    source = models.CharField(max_length=20, choices=Source.choices, default=Source.MANUAL)
    fetched_at = models.DateTimeField(null=True)
    evidence_ref = models.CharField(max_length=120, blank=True)

    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    proof = models.CharField(max_length=200, blank=True)
    """What was shown to the clinic."""
    confirmed_until = models.DateField(null=True)
    """The last day of the clinic's word; empty: until the age limit."""
    blocked_at = models.DateTimeField(null=True)
    blocked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient", "adult_index"], name="guardian_once_per_child"),
            models.CheckConstraint(
                name="guardian_confirmed_with_proof",
                condition=Q(confirmed_at__isnull=True, proof="")
                | (Q(confirmed_at__isnull=False) & ~Q(proof="")),
            ),
            models.CheckConstraint(
                name="guardian_dates_in_order",
                condition=Q(valid_from__isnull=True)
                | Q(valid_to__isnull=True)
                | Q(valid_to__gte=F("valid_from")),
            ),
        ]
        indexes = [models.Index(fields=["clinic", "adult_index"], name="guardian_by_adult")]

    def __str__(self) -> str:
        return f"guardian {self.pk}"


class Proxy(PublicIdModel):
    """A patient old enough lets somebody else do certain things for them, until a day."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    patient = models.ForeignKey("patients.Patient", on_delete=models.CASCADE, related_name="proxies")
    """Who gave it."""
    receiver_national_id = EncryptedTextField()
    receiver_index = models.CharField(max_length=64)
    receiver_name = models.CharField(max_length=160)
    areas = ArrayField(models.CharField(max_length=20))
    first_day = models.DateField()
    last_day = models.DateField()
    proof = models.CharField(max_length=200)
    """How the patient asked for it."""
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "receiver_index"],
                condition=Q(ended_at__isnull=True),
                name="proxy_one_open_per_receiver",
            ),
            models.CheckConstraint(name="proxy_in_order", condition=Q(last_day__gte=F("first_day"))),
            models.CheckConstraint(
                name="proxy_for_something",
                condition=Q(areas__len__gte=1) & Q(areas__contained_by=[area.value for area in PROXY_AREAS]),
            ),
        ]
        indexes = [models.Index(fields=["clinic", "receiver_index"], name="proxy_by_receiver")]

    def __str__(self) -> str:
        return f"proxy {self.pk}"

    @property
    def area_words(self) -> list[str]:
        """Return what it is for, in words."""
        return [str(Area(area).label) for area in self.areas]


class RegisterExtract(models.Model):
    """A register's extract that was loaded from a file: the newest one of a country is the truth of the source."""

    country = models.CharField(max_length=2, choices=Country.choices, unique=True)
    name = models.CharField(max_length=100)
    loaded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"extract {self.name}"


class RegisterEntry(models.Model):
    """Who has custody of whom, according to the extract. No number in clear, no name, no address."""

    extract = models.ForeignKey(RegisterExtract, on_delete=models.CASCADE, related_name="entries")
    child_index = models.CharField(max_length=64)
    adult_index = models.CharField(max_length=64, blank=True)
    """Empty: somebody has it whom the extract does not name, so nothing is known."""
    basis = models.CharField(max_length=20, choices=Basis.choices)
    valid_from = models.DateField(null=True)
    valid_to = models.DateField(null=True)
    is_uncertain = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["child_index"], name="register_entry_by_child"),
            models.Index(fields=["adult_index"], name="register_entry_by_adult"),
        ]

    def __str__(self) -> str:
        return f"register entry {self.pk}"
