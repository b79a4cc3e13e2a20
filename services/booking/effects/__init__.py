"""What a change of settings would do to booked appointments, told before it is saved."""
