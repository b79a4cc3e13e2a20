"""One-time codes: asking for one, making and sending it, and trying it.

Asking does the same work for everyone. Whether a code is made is decided afterwards, outside the request, by
`handle`: it makes the code, stores its hash, and queues the message. The code itself stands nowhere but in the message.
"""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import F

from clinic_admin.countries import CodeChannel, rules_of
from clinic_admin.models import Clinic
from identity import policy
from identity.admin import traffic
from identity.by_code import code_letters, code_stops
from identity.by_code.passwords import nobodys
from identity.choices import CodePurpose, CodeRefusal, MembershipState
from identity.models import ClinicMembership, OneTimeCode
from notifications import operations as outbox
from notifications.choices import Channel, MessageKind
from notifications.operations import NewMessage
from portal import audit, network_address, throttle
from portal.refusals import Refused
from portal.throttle import Limit

PER_QUARTER = Limit("code-quarter", 3, timedelta(minutes=15))
PER_DAY = Limit("code-day", 8, timedelta(days=1))
PER_CLINIC = Limit("code-clinic", 2000, timedelta(days=1))
"""What a clinic's codes may cost in a day, whatever happens."""
HANDLED_AT_ONCE = 100
_NONE = UUID(int=0)
"""No row has it."""


class CodeRefused(Refused):
    """No code was sent, or it was not the right one."""


@transaction.atomic
def ask(
    *,
    clinic: Clinic,
    membership: ClinicMembership | None,
    purpose: CodePurpose,
    recipient: str,
    language: str,
    now: datetime,
    is_hint: bool = False,
    is_for_guardian: bool = False,
) -> OneTimeCode:
    """Store a question for a code and return it; the answer is the same whether a code will be sent or not.

    With `membership` None, or a number that no codes are sent to, none is. With `is_hint` the message says to sign in
    with eID instead, or with `is_for_guardian` that a guardian must confirm the child's sign-in. `handle` sends, the way
    of the clinic's country; see code_sender.
    """
    channel = rules_of(clinic.country).code_channel
    return OneTimeCode.objects.create(
        clinic=clinic,
        membership=membership,
        purpose=purpose,
        channel=channel,
        recipient=recipient,
        is_hint=is_hint,
        is_for_guardian=is_for_guardian,
        language=language,
        attempts_left=policy.CODE_TRIES,
        created_at=now,
        expires_at=now + policy.CODE_LASTS[channel],
    )


def again(
    question_id: UUID, *, clinic: Clinic, purpose: CodePurpose, recipient: str, now: datetime
) -> OneTimeCode:
    """Ask once more, which ends the older question. Raises CodeRefused: too soon, or nothing to ask again.

    A question can be asked again for a quarter of an hour after it was asked, also when its tries are used up.
    """
    with transaction.atomic():
        older = (
            OneTimeCode.objects.select_for_update(of=("self",))
            .select_related("membership__account")
            .filter(
                pk=question_id,
                clinic=clinic,
                purpose=purpose,
                consumed_at__isnull=True,
                revoked_at__isnull=True,
            )
            .first()
        )
        if older is None or now >= older.created_at + PER_QUARTER.period:
            raise CodeRefused(CodeRefusal.OVER)
        if now < older.created_at + policy.CODE_COOL_DOWN:
            raise CodeRefused(CodeRefusal.TOO_SOON)
        _revoke(older, now)
        return ask(
            clinic=clinic,
            membership=older.membership,
            purpose=purpose,
            recipient=recipient if older.membership_id else "",
            language=older.language,
            is_hint=older.is_hint,
            is_for_guardian=older.is_for_guardian,
            now=now,
        )


@transaction.atomic
def handle(question_id: UUID, *, now: datetime) -> UUID | None:
    """Make the code of a question and queue its message, once; return the message, or None if nobody gets one."""
    question = (
        OneTimeCode.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("membership__account__user", "clinic")
        .filter(pk=question_id, handled_at__isnull=True)
        .first()
    )
    if question is None:
        return None
    recipient = question.recipient or ""
    question.handled_at, question.recipient = now, ""
    # Hashed for nobody, too: this runs beside the visitor's next page, and must not slow it for some only (C11).
    code = f"{secrets.randbelow(10**policy.CODE_DIGITS):0{policy.CODE_DIGITS}}"
    code_hash = make_password(_hashed_part(question, code))
    reason = _why_not(question, recipient, now)
    if reason:
        question.save(update_fields=["handled_at", "recipient"])
        audit.record(action="code.not-sent", subject=question, actor=audit.SYSTEM, now=now, reason=reason)
        return None
    if not question.is_hint:
        question.code_hash = code_hash
    question.save(update_fields=["handled_at", "recipient", "code_hash"])
    words = code_letters.hint(question) if question.is_hint else code_letters.code(question, code)
    message = outbox.queue_message(
        NewMessage(
            clinic=question.clinic,
            kind=MessageKind.SIGN_IN_CODE,
            channel=Channel(question.channel),
            to=recipient,
            subject=question,
            version=1,
            title=words.title,
            body=words.body,
            due_at=now,
            not_after=question.expires_at,
        ),
        now=now,
    )
    action = "code.hint-sent" if question.is_hint else "code.sent"
    audit.record(action=action, subject=question, actor=audit.SYSTEM, now=now, purpose=question.purpose)
    if not question.is_hint:
        code_stops.note_sent(question.clinic, now=now)
    return message.pk


def waiting(*, now: datetime) -> list[UUID]:
    """Return questions that nobody has handled yet, the oldest first, at most a hundred."""
    rows = OneTimeCode.objects.filter(handled_at__isnull=True, created_at__lte=now).order_by("created_at")
    return list(rows.values_list("pk", flat=True)[:HANDLED_AT_ONCE])


def tries_left(question_id: UUID | None, *, clinic: Clinic, purpose: CodePurpose, now: datetime) -> int:
    """Return how often this question may still be answered; 0 for one that is over."""
    rows = OneTimeCode.objects.filter(
        pk=question_id or _NONE,
        clinic=clinic,
        purpose=purpose,
        consumed_at__isnull=True,
        revoked_at__isnull=True,
    )
    return rows.filter(expires_at__gt=now).values_list("attempts_left", flat=True).first() or 0


def person_of(question_id: UUID) -> str:
    """Return the keyed hash of whose question it is, empty for a stranger's."""
    rows = OneTimeCode.objects.filter(pk=question_id, membership__isnull=False)
    return rows.values_list("membership__account__national_id_index", flat=True).first() or ""


def use(
    question_id: UUID | None, code: str, *, clinic: Clinic, purpose: CodePurpose, now: datetime
) -> OneTimeCode:
    """Use the code up and return its question, with membership and login. Of two parallel calls one gets it.

    Every try counts, and is stored before the code is looked at: this must not run in a transaction that is rolled
    back. Raises CodeRefused.
    """
    live = OneTimeCode.objects.filter(
        pk=question_id or _NONE,
        clinic=clinic,
        purpose=purpose,
        consumed_at__isnull=True,
        revoked_at__isnull=True,
        expires_at__gt=now,
    )
    if not live.filter(attempts_left__gt=0).update(attempts_left=F("attempts_left") - 1):
        raise CodeRefused(CodeRefusal.OVER)
    question = OneTimeCode.objects.select_related("membership__account__user", "clinic").get(
        pk=question_id or _NONE
    )
    if not check_password(_hashed_part(question, code), question.code_hash or nobodys()):
        _note_wrong(question, now)
        raise CodeRefused(CodeRefusal.WRONG if question.attempts_left else CodeRefusal.OVER)
    if not live.update(consumed_at=now):
        raise CodeRefused(CodeRefusal.OVER)
    code_stops.note_used(question.clinic, now=now)
    return question


@transaction.atomic
def revoke_all(*, membership: ClinicMembership, now: datetime) -> None:
    """End the open codes of a membership and take back messages that have not gone out."""
    open_ones = OneTimeCode.objects.select_for_update().filter(
        membership=membership, consumed_at__isnull=True, revoked_at__isnull=True, expires_at__gt=now
    )
    for question in open_ones:
        _revoke(question, now)


def _revoke(question: OneTimeCode, now: datetime) -> None:
    outbox.cancel_messages(subject=question, now=now)
    question.revoked_at = now
    question.handled_at = question.handled_at or now
    question.recipient = ""
    question.save(update_fields=["revoked_at", "handled_at", "recipient"])


def _why_not(question: OneTimeCode, recipient: str, now: datetime) -> str:
    """Return a short word for why no code is sent, or nothing. Sending is counted here, and nowhere else."""
    membership = question.membership
    if membership is None:
        return "nobody"
    if now >= question.expires_at or question.revoked_at is not None:
        return "too-late"
    if not membership.account.user.is_active:
        return "closed"
    is_sign_in = question.purpose == CodePurpose.SIGN_IN and not question.is_hint
    if is_sign_in and membership.state != MembershipState.ACTIVE:
        return "not-active"
    if not policy.can_be_reached(CodeChannel(question.channel), recipient, question.clinic.code_countries):
        return "number"
    if code_stops.of_clinic(question.clinic_id, now=now) is not None:
        return "stopped"
    counted = (
        (PER_QUARTER, f"account:{membership.account_id}"),
        (PER_DAY, f"account:{membership.account_id}"),
        (PER_QUARTER, f"number:{recipient}"),
        (PER_DAY, f"number:{recipient}"),
        (PER_CLINIC, f"clinic:{question.clinic_id}"),
    )
    over = next((limit for limit, key in counted if throttle.is_exceeded(limit, key=key, now=now)), None)
    if over is PER_CLINIC:
        code_stops.note_budget(question.clinic, now=now)
    return over.name if over else ""


@transaction.atomic
def _note_wrong(question: OneTimeCode, now: datetime) -> None:
    membership = question.membership
    audit.record(
        action="code.wrong" if question.attempts_left else "code.locked",
        subject=question,
        actor=audit.SYSTEM,
        now=now,
        login_id=membership.account.user_id if membership else None,
        from_address=network_address.current(),
        purpose=question.purpose,
    )
    traffic.note(question.clinic_id, now=now, failures=1)


def _hashed_part(question: OneTimeCode, code: str) -> str:
    return f"{question.pk}:{question.purpose}:{code}"
