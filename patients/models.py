"""The clinic's patients."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from clinic_admin.models import Clinic, Provider
from identity.choices import EidProof
from patients.contact.models import ContactChange, ContactWord
from patients.guardianship.models import ActingRules, Guardian, Proxy, RegisterEntry, RegisterExtract
from portal.fields import EncryptedTextField
from portal.models import PublicIdModel

__all__ = [
    "ActingRules",
    "ContactChange",
    "ContactWord",
    "DataChange",
    "Guardian",
    "Patient",
    "PatientQuerySet",
    "Proxy",
    "RegisterEntry",
    "RegisterExtract",
]


class PatientQuerySet(models.QuerySet["Patient"]):
    """Words for sets of patients."""

    def for_clinic(self, clinic: Clinic) -> "PatientQuerySet":
        """Return the clinic's own patients."""
        return self.filter(clinic=clinic)


def _in_alphabet(name: str) -> models.GeneratedField:
    """Return a column that orders a name as the countries' alphabets do: æ, ø, å last, aa as å (migration 0007)."""
    return models.GeneratedField(
        expression=models.Func(name, function="patients_sort_name"),
        output_field=models.TextField(db_collation="C"),
        db_persist=True,
    )


class Patient(PublicIdModel):
    """A clinic's record of a person. The same person has one record at each clinic."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="patients")
    national_id = EncryptedTextField(null=True, blank=True)
    national_id_index = models.CharField(max_length=64, null=True, blank=True)
    """Keyed hash by which the record is found. Without a full, valid national ID there is no portal (001)."""
    birth_date = models.DateField(null=True, blank=True)
    given_name = models.CharField(max_length=80)
    family_name = models.CharField(max_length=80)
    mobile = models.CharField(max_length=20, blank=True)
    """E.164, as in +4791234567."""
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=5, blank=True)
    """The language the patient chose for messages; empty means the clinic's."""
    gp = models.ForeignKey(
        Provider, null=True, blank=True, on_delete=models.PROTECT, related_name="patient_list"
    )
    """The provider whose list the patient is on; none for those whose GP is elsewhere or who have none."""
    is_active = models.BooleanField(default=True)
    portal_withdrawn_at = models.DateTimeField(null=True, blank=True)
    """When the clinic took the portal away from this patient; empty means they have it."""
    no_eid_at = models.DateTimeField(null=True, blank=True)
    """When the clinic made sure who this is and noted that they can't use eID (004, "Intet MitID"); empty: they can."""
    no_eid_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    no_eid_proof = models.CharField(max_length=20, choices=EidProof.choices, blank=True)
    wants_electronic_answers = models.BooleanField(default=False)
    """The patient wants answers through the portal (002, "Ønsker svar elektronisk")."""
    registered_at = models.DateTimeField(null=True, blank=True)
    """When the patient began to use this clinic's portal, where an active record is not enough (003)."""
    left_at = models.DateTimeField(null=True, blank=True)
    """When the patient left this clinic's portal, or staff took them out of it (002, "Slet"); empty again on return."""
    updated_at = models.DateTimeField(auto_now=True)
    search_name = models.GeneratedField(
        expression=models.Func("given_name", "family_name", function="patients_search_name"),
        output_field=models.TextField(),
        db_persist=True,
    )
    """The name as it is searched (patients.search.folded), each word after a space. The database keeps it."""
    sort_family = _in_alphabet("family_name")
    """The family name as lists are ordered by it. The database keeps it."""
    sort_given = _in_alphabet("given_name")

    objects = PatientQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "national_id_index"],
                name="patient_national_id_once_per_clinic",
                condition=Q(national_id_index__isnull=False),
            ),
            models.CheckConstraint(
                name="patient_national_id_with_index",
                condition=Q(national_id__isnull=True, national_id_index__isnull=True)
                | Q(national_id__isnull=False, national_id_index__isnull=False),
            ),
            models.CheckConstraint(
                name="patient_no_eid_has_proof",
                condition=Q(no_eid_at__isnull=True, no_eid_proof="")
                | (Q(no_eid_at__isnull=False) & ~Q(no_eid_proof="")),
            ),
            models.UniqueConstraint(fields=["id", "clinic"], name="patient_id_with_clinic"),
        ]
        indexes = [
            models.Index(fields=["national_id_index"], name="patient_by_national_id"),
            models.Index(
                fields=["clinic", "sort_family", "sort_given", "id"],
                include=["search_name"],
                name="patient_by_name",
            ),
            models.Index(fields=["clinic", "birth_date"], name="patient_by_birth_date"),
            models.Index(fields=["clinic", "mobile"], name="patient_by_mobile", condition=~Q(mobile="")),
            models.Index(fields=["clinic", "gp", "is_active"], name="patient_by_list"),
        ]

    def __str__(self) -> str:
        return f"patient {self.pk}"

    @property
    def full_name(self) -> str:
        """Return the name as people say it."""
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def is_open(self) -> bool:
        """Return whether the record is active and has not left the portal: only then may others act for it."""
        return self.is_active and self.left_at is None

    @property
    def has_national_id(self) -> bool:
        """Return whether the record holds a full, validated national ID."""
        return self.national_id_index is not None


class DataChange(models.Model):
    """What stood in a patient's own details before an event of the trail, and after: the trail itself has no such texts."""

    id = models.BigAutoField(primary_key=True)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="data_changes")
    event_id = models.BigIntegerField()
    """The event of the audit trail that tells who and when."""
    field = models.CharField(max_length=20)
    before = EncryptedTextField(blank=True)
    after = EncryptedTextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event_id", "field"], name="data_change_once")]

    def __str__(self) -> str:
        return f"change {self.pk} of {self.patient_id}"
