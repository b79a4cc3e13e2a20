"""Every change that staff make at the desk."""

from services.booking.desk.operations.attendance import mark
from services.booking.desk.operations.blocking import block, unblock
from services.booking.desk.operations.booking import RuleInTheWay, book
from services.booking.desk.operations.moving import move

__all__ = ["RuleInTheWay", "block", "book", "mark", "move", "unblock"]
