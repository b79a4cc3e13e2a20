"""Booking without an account: somebody asks for a time with name, national ID and a code to the mobile (F8)."""
