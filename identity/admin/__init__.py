"""What administrators see of sign-in, and choose."""
