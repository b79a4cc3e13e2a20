"""Appointments with someone who is away."""
