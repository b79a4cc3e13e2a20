"""What both kinds of identity providers have in common."""
