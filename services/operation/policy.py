"""When a light is green, yellow or red, as plain functions."""

from datetime import timedelta

from services.operation.choices import Light

PULSE_IS_LATE = timedelta(seconds=90)
PULSE_IS_GONE = timedelta(minutes=5)
WAITS_LONG = timedelta(minutes=2)
WAITS_TOO_LONG = timedelta(minutes=15)
ENOUGH_TRIES = 5
"""So many sign-ins must have failed before that says something about the provider."""
MANY_FAILED = 0.2
"""Of the messages that ended within a day."""


def worst(lights: list[Light]) -> Light:
    """Return the worst of them; green of none."""
    return max(lights, default=Light.GREEN)


def of_pulse(age: timedelta | None) -> Light:
    """Return the light of clock and workers together. `age` is how long ago a task of the clock's was carried out."""
    if age is None or age >= PULSE_IS_GONE:
        return Light.RED
    return Light.YELLOW if age >= PULSE_IS_LATE else Light.GREEN


def of_messages(*, late: timedelta | None, is_paused: bool, ended: int, failed: int) -> Light:
    """Return the light of a channel. `late` is how long the oldest message that is due has waited, None for none."""
    if is_paused or (late is not None and late >= WAITS_TOO_LONG):
        return Light.RED
    is_slow = late is not None and late >= WAITS_LONG
    many_fail = failed >= ENOUGH_TRIES and failed > MANY_FAILED * ended
    return Light.YELLOW if is_slow or many_fail else Light.GREEN


def of_sign_ins(*, came_in: int, failed: int) -> Light:
    """Return the light of an identity provider by the sign-ins of about the last hour."""
    if failed < ENOUGH_TRIES:
        return Light.GREEN
    if came_in == 0:
        return Light.RED
    return Light.YELLOW if failed > came_in else Light.GREEN


def of_certificate(*, is_over: bool, ends_soon: bool, another_is_good: bool) -> Light:
    """Return the light of a certificate. An ended one does no harm while another of the same side is good."""
    if is_over and not another_is_good:
        return Light.RED
    return Light.YELLOW if is_over or ends_soon else Light.GREEN


def of_clinic(*, is_stopped: bool) -> Light:
    """Return the light of a clinic whose sign-in needs a look: eID goes on working, whatever is stopped."""
    return Light.RED if is_stopped else Light.YELLOW
