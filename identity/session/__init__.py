"""The session itself: its clocks, where it lives, who has which open, and what was typed when it ended."""
