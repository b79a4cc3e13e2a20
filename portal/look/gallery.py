"""Every part of a page in every variant, and the frames, for looking at and for tests. Development only."""

from datetime import date, time, timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from portal.audience import development_page
from portal.look import icons
from portal.look.day import Column, DayCalendar, Entry, Kind
from portal.look.times import TimeChoice, TimeDay, TimeState

SCHEMES = ("auto", "light", "dark")
FRAMES = ("public", "patient", "staff", "admin")
MONDAY = date(2026, 11, 23)
REASONS = [("pain", "Pain or injury"), ("follow-up", "Follow-up"), ("other", "Something else")]


class ExampleForm(forms.Form):
    """One field of every kind."""

    name = forms.CharField(label="Full name", max_length=80)
    national_id = forms.CharField(
        label="Birth number",
        help_text="Eleven digits, as on your bank card",
        widget=forms.TextInput(
            attrs={"data-national-id": "NO", "inputmode": "numeric", "autocomplete": "off"}
        ),
    )
    phone = forms.CharField(
        label="Mobile number",
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
        error_messages={"required": "Write your mobile number, eight digits"},
    )
    email = forms.EmailField(
        label="E-mail", required=False, error_messages={"invalid": "Write the address like name@example.org"}
    )
    code = forms.CharField(
        label="Code from the SMS",
        widget=forms.TextInput(
            attrs={"data-width": "code", "inputmode": "numeric", "autocomplete": "one-time-code"}
        ),
    )
    day = forms.DateField(label="From which day", widget=forms.DateInput(attrs={"type": "date"}))
    clock = forms.TimeField(label="Opens at", widget=forms.TimeInput(attrs={"type": "time"}), required=False)
    provider = forms.ChoiceField(label="With whom", choices=[("berg", "Anna Berg"), ("lie", "Jonas Lie")])
    reason = forms.ChoiceField(
        label="What is it about?",
        choices=REASONS,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what it is about"},
    )
    reminders = forms.MultipleChoiceField(
        label="Remind me",
        choices=[("sms", "By SMS, 1 kr"), ("mail", "By e-mail, free")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    text = forms.CharField(
        label="Your message",
        help_text="Do not write about anything urgent here",
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    attachment = forms.FileField(label="Attach a file", required=False)
    consent = forms.BooleanField(
        label="I have read how the clinic uses what I write",
        error_messages={"required": "Tick the box to go on"},
    )


def _times() -> list[TimeDay]:
    def choice(label: str, state: TimeState = TimeState.FREE, note: str = "") -> TimeChoice:
        return TimeChoice(
            label=label, spoken=f"{label}, {note or 'free'}", note=note, state=state, value=label
        )

    return [
        TimeDay(
            MONDAY,
            [
                choice("08:00", TimeState.URGENT, "urgent"),
                choice("08:20", TimeState.URGENT, "urgent"),
                choice("09:40", TimeState.TAKEN, "taken"),
                choice("10:20", TimeState.CHOSEN, "Anna Berg"),
                choice("11:00", note="Anna Berg"),
                choice("13:20", note="Jonas Lie"),
            ],
            note="5 times",
        ),
        TimeDay(MONDAY + timedelta(days=1)),
        TimeDay(MONDAY + timedelta(days=2)),
        TimeDay(
            MONDAY + timedelta(days=3), [choice("08:40"), choice("12:20"), choice("14:00")], note="3 times"
        ),
        TimeDay(MONDAY + timedelta(days=4)),
    ]


def _calendar() -> DayCalendar:
    def entry(starts: str, ends: str, kind: Kind, title: str, **more: Any) -> Entry:
        return Entry(time.fromisoformat(starts), time.fromisoformat(ends), kind, title, **more)

    return DayCalendar(
        columns=[
            Column(
                "Anna Berg",
                "Doctor, 14 booked",
                [
                    entry("08:00", "08:20", Kind.URGENT, "Urgent, opens at 16:00"),
                    entry("08:20", "08:40", Kind.DONE, "Ola Nordmann", text="Control", url="#calendar"),
                    entry(
                        "08:40",
                        "09:00",
                        Kind.BOOKED,
                        "Kari Hansen",
                        text="New",
                        badge="Portal",
                        url="#calendar",
                    ),
                    entry(
                        "09:00", "09:40", Kind.WAITING, "Liv Dahl", text="Waits for approval", url="#calendar"
                    ),
                    entry("09:40", "10:00", Kind.FREE, "Free", url="#calendar"),
                    entry("10:00", "10:20", Kind.BOOKED, "Nils Moe", url="#calendar", is_cancelled=True),
                    entry("11:30", "12:00", Kind.INTERNAL, "Lunch"),
                    entry("12:00", "12:30", Kind.PHONE, "Phone hour", text="3 calls", url="#calendar"),
                ],
            ),
            Column(
                "Jonas Lie",
                "Doctor, 9 booked",
                [
                    entry("08:00", "08:10", Kind.BOOKED, "Eva Strand", url="#calendar"),
                    entry("08:10", "08:20", Kind.FREE, "Free", url="#calendar"),
                    entry("09:00", "09:30", Kind.BOOKED, "Per Vik", url="#calendar", lane=1, lanes=2),
                    entry("09:15", "09:45", Kind.URGENT, "Ida Foss", url="#calendar", lane=2, lanes=2),
                    entry("10:00", "11:00", Kind.BLOCKED, "Kept free"),
                ],
            ),
            Column(
                "Mona Aas", "Nurse", [entry("08:00", "14:00", Kind.ABSENT, "Course", text="Jonas Lie covers")]
            ),
        ],
        first_hour=8,
        last_hour=13,
        now=time(9, 25),
    )


def _scheme(request: HttpRequest) -> str:
    wished = request.GET.get("scheme", "auto")
    return wished if wished in SCHEMES else "auto"


@development_page
def components(request: HttpRequest) -> HttpResponse:
    """All parts on one page; `?scheme=dark` shows them in the dark."""
    wrong = ExampleForm(
        {"name": "Kari Nordmann", "phone": "", "email": "kari@", "text": "A" * 230, "provider": "berg"}
    )
    words = {
        "scheme": _scheme(request),
        "schemes": SCHEMES,
        "frames": FRAMES,
        "form": ExampleForm(prefix="plain"),
        "wrong": wrong,
        "days": _times(),
        "calendar": _calendar(),
        "kinds": list(Kind),
        "page": Paginator(range(400), 20).page(4),
        "today": MONDAY,
        "icons": sorted(icons.names()),
    }
    return render(request, "gallery/components.html", words)


@development_page
def frame(request: HttpRequest, frame: str) -> HttpResponse:
    """One of the frames with a clinic and a person in it."""
    if frame not in FRAMES:
        raise Http404
    words = {
        "scheme": _scheme(request),
        "clinic": SimpleNamespace(
            name="Bakken legesenter", portal_identifier="bakken", phone="+4755010203", country="NO"
        ),
        "patient": SimpleNamespace(full_name="Kari Nordmann"),
        "staff_member": "Anna Berg",
        "days": _times(),
        "calendar": _calendar(),
        "form": ExampleForm(prefix="plain"),
        "today": MONDAY,
    }
    return render(request, f"gallery/{frame}.html", words)
