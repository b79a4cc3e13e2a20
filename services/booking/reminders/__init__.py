"""Reminders: who gets one, when, what became of it, and which could not be sent."""
