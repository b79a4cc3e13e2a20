"""What the staff's page shows of a patient's account with password and code."""

from dataclasses import dataclass
from datetime import datetime

from clinic_admin.countries import CodeChannel, rules_of
from identity import policy
from identity import queries as identity_queries
from identity.by_code import memberships
from identity.by_code.memberships import AccountState
from patients.models import Patient
from services.home import code_queries
from services.home.code_forms import AccountForm, NoEidForm


@dataclass(frozen=True, slots=True)
class AccountCard:
    """State, and what staff can do about it."""

    state: AccountState
    is_offered: bool
    can_be_reached: bool
    """Whether codes can be sent to the number, or links to the address, that the clinic has."""
    by_sms: bool
    must_register: bool
    """Whether patients register with the clinic's portal, beside having a record (003)."""
    needs_eid: bool
    """Whether the patient signs in with eID and a password is of no use yet (004)."""
    no_eid_by: str
    """Who noted that the patient can't use eID; empty when nobody did, or nobody knows any more."""
    form: AccountForm
    no_eid_form: NoEidForm


def card_of(
    patient: Patient,
    *,
    now: datetime,
    form: AccountForm | None = None,
    no_eid_form: NoEidForm | None = None,
) -> AccountCard:
    """Return the card; the forms are ones that were sent and refused. Four queries at most."""
    clinic = patient.clinic
    index, channel = patient.national_id_index, rules_of(clinic.country).code_channel
    state = (
        memberships.state_of(clinic=clinic, national_id_index=index, now=now)
        if index
        else AccountState(None, "", None, "", None)
    )
    return AccountCard(
        state=state,
        is_offered=memberships.offers_codes(clinic) and index is not None,
        can_be_reached=policy.can_be_reached(
            channel, code_queries.registered_recipient(patient, clinic), clinic.code_countries
        ),
        by_sms=channel is CodeChannel.SMS,
        must_register=rules_of(clinic.country).needs_registration,
        needs_eid=code_queries.needs_eid(patient, clinic, now),
        no_eid_by=identity_queries.name_of(patient.no_eid_by_id) if patient.no_eid_by_id else "",
        no_eid_form=no_eid_form or NoEidForm(),
        form=form or AccountForm(initial={"email": patient.email}),
    )
