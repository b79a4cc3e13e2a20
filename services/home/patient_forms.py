"""Shape of what the staff's pages about patients send."""

from django import forms


class PortalAccessForm(forms.Form):
    """Take the portal from the patient, or give it back."""

    act = forms.ChoiceField(choices=[("withdraw", ""), ("give-back", "")])
    sure = forms.BooleanField(required=False)
