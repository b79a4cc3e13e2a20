"""What a patient sends to turn a reminder on or off, and which days staff look at."""

from django import forms


class TurnForm(forms.Form):
    """Whether the appointment is to be reminded of."""

    on = forms.ChoiceField(choices=[("1", "on"), ("0", "off")], widget=forms.HiddenInput)
