"""Signing in with password and code (F3): the first step, in the same time and with the same answer for everyone."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from clinic_admin.countries import CodeChannel, rules_of
from clinic_admin.models import Clinic
from identity import operations, policy
from identity.admin import traffic
from identity.by_code import code_stops, codes, memberships, password_tries, passwords
from identity.by_code.codes import CodeRefused
from identity.choices import CodePurpose, CodeRefusal, MembershipState, Method, UserKind
from identity.models import ClinicMembership, OneTimeCode, User
from portal import audit, network_address, throttle
from portal.throttle import Limit

PER_ADDRESS = Limit("code-sign-in-address", 30, timedelta(minutes=5))
PER_ADDRESS_HOUR = Limit("code-sign-in-address-hour", 200, timedelta(hours=1))
PEOPLE_PER_ADDRESS = Limit("code-sign-in-people", 10, timedelta(hours=1))
_FIRST_SEEN = Limit("code-sign-in-seen", 1, timedelta(hours=1))
_MEANS = {CodeChannel.SMS: "mobile", CodeChannel.EMAIL: "email"}
RESETS_PER_ADDRESS = Limit("reset-address", 5, timedelta(hours=1))
RESETS_PER_PERSON = Limit("reset-person", 3, timedelta(days=1))


def check_limits(*, clinic: Clinic, national_id_index: str, address: str, now: datetime) -> None:
    """Count a try and raise CodeRefused when there were too many (section 7); the person need not exist.

    Raises MustWait, which says how long, when this person's password was tried too often. What a network address may not
    do any more counts for nobody. Only this way of signing in closes: eID stays open, so that nobody can lock anyone out.
    """
    if code_stops.of_clinic(clinic.pk, now=now) is not None:
        raise CodeRefused(CodeRefusal.STOPPED)
    seen = f"{network_address.counted_as(address)}:{national_id_index}"
    is_first = not throttle.is_exceeded(_FIRST_SEEN, key=seen, now=now)
    spray = throttle.is_exceeded_from if is_first else throttle.is_used_up_from
    over = [
        throttle.is_exceeded_from(address, PER_ADDRESS, now=now),
        throttle.is_exceeded_from(address, PER_ADDRESS_HOUR, now=now),
        spray(address, PEOPLE_PER_ADDRESS, now=now),
    ]
    if any(over) or throttle.is_exceeded(_everywhere(), key="everywhere", now=now):
        _note_throttled(clinic, now)
        raise CodeRefused(CodeRefusal.TOO_MANY)
    try:
        password_tries.take(national_id_index, now=now)
    except password_tries.MustWait:
        _note_throttled(clinic, now)
        raise


def check_reset_limits(*, clinic: Clinic, national_id_index: str, address: str, now: datetime) -> None:
    """The same for questions for a new password."""
    over = [
        throttle.is_exceeded_from(address, RESETS_PER_ADDRESS, now=now),
        throttle.is_exceeded(RESETS_PER_PERSON, key=f"{clinic.pk}:{national_id_index}", now=now),
    ]
    if any(over):
        _note_throttled(clinic, now)
        raise CodeRefused(CodeRefusal.TOO_MANY)


@transaction.atomic
def begin(
    *,
    clinic: Clinic,
    national_id_index: str,
    password: str,
    recipient: str,
    no_eid: bool,
    is_child: bool,
    language: str,
    now: datetime,
    device: Mapping[str, str] | None = None,
) -> OneTimeCode:
    """Check the password and store a question for a code, whatever came out: two queries and one hash for everyone.

    `recipient` is the number or address that the clinic has registered for the person, empty for someone who has no
    active record here; `no_eid` and `is_child` are what the record says; `device` is for the person's own list of
    sign-ins. The caller lets code_sender send. Nothing that comes back tells whether a code will be: who has eID and gave
    the right password is told by e-mail (F9), and so is the guardian of a child whose sign-in nobody has confirmed yet
    (F10).
    """
    membership = memberships.membership_of(clinic=clinic, national_id_index=national_id_index)
    fault = _fault(membership, password)
    rules = rules_of(clinic.country)
    is_confirmed_child = is_child and membership is not None and membership.child_confirmed_at is not None
    is_hint = not fault and not policy.codes_are_open(
        rules, no_eid=no_eid, is_confirmed_child=is_confirmed_child
    )
    if not fault and not is_hint:
        fault = _why_no_code(membership, clinic, recipient)
    question = codes.ask(
        clinic=clinic,
        membership=None if fault else membership,
        purpose=CodePurpose.SIGN_IN,
        recipient="" if fault else recipient,
        is_hint=is_hint,
        is_for_guardian=is_hint and is_child and rules.child_signs_in,
        language=language,
        now=now,
    )
    audit.record(
        action="auth.fail" if fault or is_hint else "auth.start",
        subject=question,
        actor=audit.SYSTEM,
        now=now,
        method=Method.ONE_TIME_CODE,
        reason=fault
        or ("" if not is_hint else "guardian-required" if question.is_for_guardian else "eid-required"),
        membership=str(membership.pk) if membership else "",
        login_id=membership.account.user_id if membership else None,
        device=dict(device or {}),
        from_address=network_address.current(),
    )
    traffic.note(clinic.pk, now=now, tries=1, failures=1 if fault else 0)
    return question


def finish(
    request: HttpRequest, *, clinic: Clinic, question_id: UUID | None, code: str, now: datetime
) -> User:
    """Use the code up and open the session. Raises CodeRefused. Not in a transaction: each try must be counted."""
    question = codes.use(question_id, code, clinic=clinic, purpose=CodePurpose.SIGN_IN, now=now)
    membership = question.membership
    if (
        membership is None
        or question.is_hint
        or membership.state != MembershipState.ACTIVE
        or not membership.account.user.is_active
        or not memberships.offers_codes(clinic)
    ):
        raise CodeRefused(CodeRefusal.OVER)
    return operations.open_code_session(request, membership=membership, question=question, now=now)


def _why_no_code(membership: ClinicMembership | None, clinic: Clinic, recipient: str) -> str:
    """Return a short word for the trail, or nothing."""
    if membership is None or membership.state != MembershipState.ACTIVE:
        return "not-active"
    channel = rules_of(clinic.country).code_channel
    return "" if policy.can_be_reached(channel, recipient, clinic.code_countries) else f"no-{_MEANS[channel]}"


def _fault(membership: ClinicMembership | None, password: str) -> str:
    """Return a short word for the trail, or nothing. The password is always checked, whatever else is wrong."""
    is_right = passwords.is_right(password, membership.password if membership else "")
    if membership is None:
        return "unknown"
    if not is_right:
        return "password"
    if membership.state == MembershipState.REMOVED:
        return "not-active"
    return "" if membership.account.user.is_active else "closed"


@transaction.atomic
def _note_throttled(clinic: Clinic, now: datetime) -> None:
    audit.record(
        action="throttle.hit",
        subject=User(kind=UserKind.PATIENT),
        actor=audit.SYSTEM,
        now=now,
        clinic_id=clinic.pk,
        from_address=network_address.current(),
        method=Method.ONE_TIME_CODE,
    )
    traffic.note(clinic.pk, now=now, tries=1, failures=1)


def _everywhere() -> Limit:
    """Return the limit of all tries of passwords in the installation."""
    return Limit("code-sign-in-everywhere", settings.SIGN_INS_PER_MINUTE, timedelta(minutes=1))
