"""New staff, staff who leave, and what staff may do: from the first e-mail to the last day."""
