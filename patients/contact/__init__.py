"""How a patient is reached: what the record says, what the patient says, and changes that wait to be confirmed."""
