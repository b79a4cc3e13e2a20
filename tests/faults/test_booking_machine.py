"""Long random stories of a clinic on a real database, told act by act; after every act all that must be true is true.

VENTEROM_STORIES makes more and longer ones (`make faults`); a story that fails is printed as the acts that led to it.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.booking.stories import HAPPENS, Stories

STORIES = int(os.environ.get("VENTEROM_STORIES", "0"))
SHORT, LONG = 15, 60
"""Acts of a story."""
QUICK = 4
ENOUGH = 300
"""Stories in which everything comes about that can."""


@pytest.mark.django_db
def test_whatever_happens_in_whatever_order_calendars_appointments_and_messages_agree():
    run_state_machine_as_test(
        Stories,
        settings=settings(
            max_examples=STORIES or QUICK,
            stateful_step_count=LONG if STORIES else SHORT,
            derandomize=not STORIES,
            database=None,
            deadline=None,
            print_blob=False,
            phases=[Phase.generate] if STORIES else [Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(
        f"\n{Stories.acts.total()} acts: "
        + "; ".join(f"{name} {number}" for name, number in Stories.acts.most_common())
    )
    if STORIES >= ENOUGH:
        assert not (missing := [name for name in HAPPENS if not Stories.acts[name]]), missing
