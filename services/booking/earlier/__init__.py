"""Earlier times: who waits for one, and a time that came free offered to one of them at a time."""
