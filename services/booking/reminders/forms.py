"""What a patient sends to turn a reminder on or off, and which days staff look at."""

from django import forms


class TurnForm(forms.Form):
    """Whether the appointment is to be reminded of."""

    on = forms.ChoiceField(choices=[("1", "on"), ("0", "off")], widget=forms.HiddenInput)
    told_ore = forms.CharField(required=False, widget=forms.HiddenInput)

    def told_other_than(self, ore: int) -> bool:
        """Return whether a reminder is asked for whose price the page said to be another than this."""
        sent = self.cleaned_data
        return sent["on"] == "1" and sent["told_ore"] not in {"", str(ore)}
