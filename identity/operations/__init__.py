"""Every change of sign-in: beginning, answering, opening and ending sessions, and the logins of staff."""

from identity.operations.accounts import account_for
from identity.operations.eid import (
    TRANSACTION_LASTS,
    Answer,
    abandon_sign_in,
    callback_address,
    receive_answer,
    start_sign_in,
)
from identity.operations.failures import SignInCancelled, SignInRefused
from identity.operations.housekeeping import (
    LINKS_ARE_KEPT,
    SESSION_ROWS_LAST,
    THROTTLE_ROWS_LAST,
    TRANSACTIONS_ARE_KEPT,
    sweep,
)
from identity.operations.patient_sessions import (
    PATIENT_BACKEND,
    end_stale_session,
    note_ended,
    note_new_session_key,
    note_use,
    open_code_session,
    open_patient_session,
    sign_out,
    stay_signed_in,
    time_left,
)
from identity.operations.staff import (
    add_staff,
    create_staff_user,
    note_enrolment,
    note_failed_staff_sign_in,
    note_proof_again,
    note_staff_sign_in,
    reset_second_factor,
    set_password,
    set_totp,
)

__all__ = [
    "LINKS_ARE_KEPT",
    "PATIENT_BACKEND",
    "SESSION_ROWS_LAST",
    "THROTTLE_ROWS_LAST",
    "TRANSACTIONS_ARE_KEPT",
    "TRANSACTION_LASTS",
    "Answer",
    "SignInCancelled",
    "SignInRefused",
    "abandon_sign_in",
    "account_for",
    "add_staff",
    "callback_address",
    "create_staff_user",
    "end_stale_session",
    "note_ended",
    "note_enrolment",
    "note_failed_staff_sign_in",
    "note_new_session_key",
    "note_proof_again",
    "note_staff_sign_in",
    "note_use",
    "open_code_session",
    "open_patient_session",
    "receive_answer",
    "reset_second_factor",
    "set_password",
    "set_totp",
    "sign_out",
    "start_sign_in",
    "stay_signed_in",
    "sweep",
    "time_left",
]
