"""What staff see of the calendar: a day, what waits, one appointment."""
