"""Words of the outbox: what is told, over which channel, and how far it got."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class MessageKind(TextChoices):
    """What a message is about. Decides what happens when we don't know whether it was sent."""

    BOOKING_CONFIRMED = "booking-confirmed", _("Appointment confirmed")
    BOOKING_REQUESTED = "booking-requested", _("Appointment requested")
    BOOKING_REFUSED = "booking-refused", _("Appointment refused")
    BOOKING_MOVED = "booking-moved", _("Appointment moved")
    BOOKING_IN_DOUBT = "booking-in-doubt", _("Appointment may change")
    BOOKING_CANCELLED = "booking-cancelled", _("Appointment cancelled")
    REMINDER = "reminder", _("Reminder of an appointment")
    DRAW_LOST = "draw-lost", _("No time in the draw")
    TIME_OFFERED = "time-offered", _("A time has come free")
    ANSWER_READY = "answer-ready", _("Answer from the clinic")
    RENEWAL_ANSWERED = "renewal-answered", _("Answer about a prescription")
    ACTIVATION = "activation", _("Link to start using the portal")
    REGISTRATION = "registration", _("About your registration")
    CONTACT_CHANGED = "contact-changed", _("Contact details changed")
    PASSWORD_CHANGED = "password-changed", _("Password changed")
    SIGN_IN_CODE = "sign-in-code", _("Code for signing in")
    STAFF_INVITATION = "staff-invitation", _("Invitation of a staff member")
    STAFF_PASSWORD_LINK = "staff-password-link", _("Link for a new password of a staff member")
    STAFF_LOGIN = "staff-login", _("News of a staff member's login")
    STAFF_ALARM = "staff-alarm", _("Alarm to the clinic")


class Channel(TextChoices):
    """How a message travels."""

    SMS = "sms", _("SMS")
    EMAIL = "email", _("E-mail")


class State(TextChoices):
    """How far a message has come. The allowed steps stand in policy.STEPS."""

    QUEUED = "queued", _("Waiting to be sent")
    SENDING = "sending", _("Being sent")
    UNKNOWN = "unknown", _("May have been sent; being looked up")
    ACCEPTED = "accepted", _("Sent")
    DELIVERED = "delivered", _("Delivered")
    UNDELIVERED = "undelivered", _("Not delivered: the phone could not be reached")
    FAILED = "failed", _("Not delivered: the operator gave up")
    FAILED_FINAL = "failed_final", _("Not sent: the number or address can't be used")
    NO_RECIPIENT = "no_recipient", _("Not sent: no number or address")
    EXPIRED = "expired", _("Not sent in time")
    CANCELLED = "cancelled", _("Withdrawn before it was sent")


class WhyNotSent(TextChoices):
    """Why a message did not arrive, as staff read it."""

    NO_RECIPIENT = "no-recipient", _("There is neither a mobile number nor an e-mail address.")
    NUMBER = "number", _("The number does not exist, or can't receive SMS.")
    BLOCKED = "blocked", _("The phone or its operator blocks our messages.")
    UNREACHABLE = "unreachable", _("The phone could not be reached.")
    OPERATOR = "operator", _("The operator refused the message, or gave up.")
    NOT_IN_TIME = "not-in-time", _("It could not be sent in time.")
    WITHDRAWN = "withdrawn", _("It was withdrawn before it was sent.")


class Outcome(TextChoices):
    """How one attempt to send ended."""

    PENDING = "pending", _("Under way")
    ACCEPTED = "accepted", _("Accepted by the operator")
    BUSY = "busy", _("The operator was busy; nothing was sent")
    NOT_STARTED = "not-started", _("Put back before it was sent")
    REFUSED = "refused", _("Refused by the operator")
    UNAUTHORISED = "unauthorised", _("The operator did not know our account")
    UNCLEAR = "unclear", _("No clear answer from the operator")
    MISSED = "missed", _("The operator has never seen it")


class CarrierStatus(TextChoices):
    """What the SMS provider says about a message it has taken over, in the provider's words."""

    SCHEDULED = "scheduled"
    ACCEPTED = "accepted"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELED = "canceled"


class Found(TextChoices):
    """What looking for a message at the provider told."""

    HIT = "hit"
    MISS = "miss"
    IMPOSSIBLE = "impossible"
