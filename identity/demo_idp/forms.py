"""Whom one wants to be in the demo."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from identity import national_id
from identity.demo_idp.people import PEOPLE
from identity.demo_idp.realms import Realm


class ChooseForm(forms.Form):
    """Someone from the list, or anybody with a test number; and how surely they prove it."""

    OTHER = "other"

    person = forms.ChoiceField(label=_("Who are you?"), widget=forms.RadioSelect)
    number = forms.CharField(label=_("Test national ID of someone else"), required=False, max_length=20)
    given_name = forms.CharField(label=_("First name"), required=False, max_length=80)
    family_name = forms.CharField(label=_("Last name"), required=False, max_length=80)
    acr = forms.ChoiceField(label=_("How do you sign in?"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, realm: Realm, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.realm = realm
        self.people = [person for person in PEOPLE if person.country == realm.country]
        known = [
            (str(number), f"{person.full_name} – {person.note}") for number, person in enumerate(self.people)
        ]
        people = cast(forms.ChoiceField, self.fields["person"])
        ways = cast(forms.ChoiceField, self.fields["acr"])
        people.choices = [*known, (self.OTHER, _("Someone else, with a test number"))]
        people.initial = "0"
        levels = [_("Code app or device (most secure)"), _("Face or fingerprint only")]
        ways.choices = list(zip(realm.acr, levels, strict=True))
        ways.initial = next(iter(realm.acr))

    def clean(self) -> dict[str, Any]:
        """Accept numbers of nobody only, so that no real person's number gets into a demo."""
        values = super().clean() or {}
        if values.get("person") != self.OTHER:
            return values
        try:
            parsed = national_id.parse(values.get("number", ""), self.realm.country, allow_synthetic=True)
        except national_id.BadNationalId as bad:
            self.add_error("number", str(bad.message))
            return values
        if not parsed.is_synthetic:
            self.add_error("number", _("Only test numbers are accepted here. This could be a real person's."))
        if not values.get("given_name") or not values.get("family_name"):
            self.add_error("given_name", _("Write a first and a last name."))
        values["parsed"] = parsed
        return values

    def chosen(self) -> dict[str, str]:
        """Return the claims about the person. Valid forms only."""
        values = self.cleaned_data
        if values["person"] == self.OTHER:
            number, given, family = values["parsed"].number, values["given_name"], values["family_name"]
            born = values["parsed"].birth_date
        else:
            person = self.people[int(values["person"])]
            number, given, family = person.national_id, person.given_name, person.family_name
            born = person.birth_date
        return {
            self.realm.nid_claim: number,
            "given_name": given,
            "family_name": family,
            "name": f"{given} {family}",
            "birthdate": born.isoformat(),
            "acr": values["acr"],
        }
