"""Free times: which of them a patient may take now, the nearest of them, and the first urgent one."""

from services.booking.free_times.kinds import BookableProvider, FreeSlot, Offer, UrgentNow, UrgentOpening
from services.booking.free_times.left import look_for_urgent
from services.booking.free_times.nearest import nearest_free, nearest_within
from services.booking.free_times.offers import first_free_per_provider, free_slots, offer, offer_within
from services.booking.free_times.spans import HORIZON, SERVICES, horizon
from services.booking.free_times.urgent import take_first_urgent, urgent_now

__all__ = [
    "HORIZON",
    "SERVICES",
    "BookableProvider",
    "FreeSlot",
    "Offer",
    "UrgentNow",
    "UrgentOpening",
    "first_free_per_provider",
    "free_slots",
    "horizon",
    "look_for_urgent",
    "nearest_free",
    "nearest_within",
    "offer",
    "offer_within",
    "take_first_urgent",
    "urgent_now",
]
