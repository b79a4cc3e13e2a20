"""Weekly calendars: what administrators write, and the slots that are made of them."""
