"""What the demo shows, it shows on every day of the week."""

from datetime import time

import pytest

from services.booking.choices import SlotKind
from services.home.demo import draws
from services.home.demo.clinics import HOLM

PROVIDERS = {one.initials: one for one in HOLM.providers}


def blocks(initials, weekday):
    """Return what the provider's week holds on that day: from, to, kind."""
    rows = [row for row in PROVIDERS[initials].week if str(weekday) in row[0]]
    return [(time.fromisoformat(begins), time.fromisoformat(ends), kind) for _, begins, ends, _, kind in rows]


@pytest.mark.parametrize("weekday", range(5))
def test_the_draw_shows_who_won_who_lost_and_who_was_busy_on_every_weekday(weekday):
    (many, asking), (few, asking_few) = draws.MANY, draws.FEW
    urgent = [block for block in blocks(few, weekday) if block[2] == SlotKind.URGENT]
    busy_until = time(draws.BUSY_FROM.hour, draws.BUSY_FROM.minute + draws.BUSY_MINUTES)
    assert urgent, "nobody on this list can ask, so nobody is refused because of what they have already"
    assert all(begins >= draws.BUSY_FROM and ends <= busy_until for begins, ends, _ in urgent)
    for begins, ends, _ in blocks(draws.BUSY_WITH, weekday):
        assert ends <= draws.BUSY_FROM or begins >= busy_until, "staff could not put anything there by hand"
    assert any(kind == SlotKind.URGENT for *_, kind in blocks(many, weekday))
    assert asking > asking_few > 1
