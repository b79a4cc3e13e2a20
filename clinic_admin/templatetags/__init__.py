"""Tags of the administration and of the clinic's texts."""
