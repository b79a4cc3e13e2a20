"""What the staff's page shows of a patient's account with password and code."""

from dataclasses import dataclass
from datetime import datetime

from identity import memberships, policy
from identity.memberships import AccountState
from patients.models import Patient
from services.home.code_forms import AccountForm


@dataclass(frozen=True, slots=True)
class AccountCard:
    """State, and what staff can do about it."""

    state: AccountState
    is_offered: bool
    has_mobile: bool
    """Whether codes can be sent to the number that the clinic has."""
    form: AccountForm

    @property
    def may_create(self) -> bool:
        """Return whether the form is of any use."""
        return self.is_offered and self.has_mobile and self.state.state is None


def card_of(patient: Patient, *, now: datetime, form: AccountForm | None = None) -> AccountCard:
    """Return the card; `form` is one that was sent and refused. Three queries at most."""
    clinic = patient.clinic
    index = patient.national_id_index
    state = (
        memberships.state_of(clinic=clinic, national_id_index=index, now=now)
        if index
        else AccountState(None, "", None, "", None)
    )
    return AccountCard(
        state=state,
        is_offered=memberships.offers_codes(clinic) and index is not None,
        has_mobile=policy.may_receive_code(patient.mobile),
        form=form or AccountForm(initial={"email": patient.email}),
    )
