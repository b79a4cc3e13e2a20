"""The logs: what patients may do and have done, and every change that staff have made."""
