"""The patient's own view: who has seen and changed what, sign-ins, all of the data as a file, leaving."""
