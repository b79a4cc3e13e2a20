"""Somebody who acts for a child, and reads every page for a word that takes them for the child."""

import re
from collections.abc import Iterable
from html.parser import HTMLParser

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from patients.guardianship import operations
from portal import catalogues
from tests.patients.build_guardians import (
    begins,
    in_register,
    make_account,
    make_person,
    number_of,
    sign_in_account,
    years_ago,
)
from tests.services.booking.build_booking import World, make_world

YOU = {
    "en": r"you|your|yours|yourself|me|my|mine|myself|(?-i:I)",
    "nb": r"du|deg|din|ditt|dine|jeg|meg|min|mitt|mine",
    "da": r"du|dig|din|dit|dine|jeg|mig|min|mit|mine",
}
"""The words that speak to whoever reads, or as whoever reads."""

ADVICE = re.compile(r'<section class="card prose".*?</section>', re.DOTALL)
"""What the clinic itself writes about booking: in its own words, to all."""

READ_ALOUD = ("aria-label", "title", "placeholder", "alt", "data-busy", "data-busy-note", "data-busy-many")
"""Attributes that hold sentences."""

TO_WHO_ACTS = (
    # who acts, and their session
    "For whom you act",
    "You are acting for <strong>%(name)s</strong>",
    "Back to me",
    "You are about to be signed out",
    "The page has not been used for a while, and someone else could come by. Do you want to stay signed in?",
    "A sign-in lasts for some hours at most. Then you sign in again and go on where you were.",
    "What you have typed is kept for you, and nothing is sent.",
    # what they do, and can do
    "What would you like to do?",
    "Upcoming and past appointments. Cancel here",
    "Who answers, and how to reach them",
    "Who renews for {name}, and how to reach them",
    "Choose a time below. You write what it is about before you book.",
    "You can't book with this provider for {name} any more. Choose someone else above.",
    "New times appear here every day, and when others cancel. If you need one soon, phone the clinic at %(phone)s.",
    'Where it says “busy” %(name)s has another appointment. <a href="%(to_own)s">Move or cancel that one</a> if you want '
    "the time instead.",
    "{name} gets the first one that is free when you press, with whoever has it.",
    "What is booked for {name} is shown here, with where and with whom.",
    "Put it in my calendar",
    "You can cancel or move it until %(when)s.",
    "Cancel the appointment?",
    "The time goes to someone else at once. You can't undo this.",
    "This appointment was changed while you had the page open.",
    "What {name} waits for is shown here, with what suits.",
    "You have up to {minutes} minutes to take an offered time, less when it is near. After that the next in line is asked, "
    "and {name} stays on the list.",
    "If you let it go, the next in line is asked, and {name} stays on the list.",
    # the draw
    "The next urgent times can be asked for %(when)s.",
    "Urgent times for tomorrow can be asked for today from %(time)s",
    "You have %(minutes)s minute to ask. Then lots are drawn, so it doesn't matter who is first.",
    "For %(day)s. You can ask until %(time)s; then lots are drawn.",
    "All of them are at the time of another appointment, and the draw passes over those, unless that appointment is moved "
    "or cancelled before %(time)s. You can ask all the same.",
    "Lots are drawn at {time}. A message says whether {name} got a time or not. You may close this page.",
    "What you can do now, and how to check the draw",
    "These are the other ways:",
    # what they wrote
    "You asked for %(when)s with %(name)s.",
    "What you wrote",
    "Nothing is booked. What you wrote is kept below.",
    "Nothing was sent. What you wrote is kept below.",
    "The page was too old. Check what you wrote, and press the button again.",
    "There seems to be no connection, or something is wrong with us. What you wrote is still here: press the button again "
    "in a moment.",
    # contact details, and who has seen
    "The code works for five minutes, and for five tries.",
    "Wait a minute before you ask for another one.",
    'Do you wonder why somebody looked? Ask the clinic: phone <a href="tel:%(number)s">%(phone)s</a>.',
    "Do you wonder why somebody looked? Ask the clinic.",
)
"""Sentences that mean whoever reads, also when they act for somebody: what they do, and what they can do."""


class _Words(HTMLParser):
    """Collects what a page says, out loud or not."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in {"script", "style"}
        self.found += [f" | {value} | " for name, value in attrs if name in READ_ALOUD and value]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.found.append(data)


def words_of(html: str) -> str:
    """Return the words of a page, also those of its attributes, with single spaces."""
    reader = _Words()
    reader.feed(ADVICE.sub("", html))
    return re.sub(r"\s+", " ", " ".join(reader.found))


def _texts(source: str, language: str) -> Iterable[str]:
    """Return a sentence in the language, and what it is in the plural."""
    for entry in catalogues.stored("nb" if language == "en" else language):
        if source in (known := catalogues._strings(entry.id)):
            return known if language == "en" else catalogues._strings(entry.string)
    raise AssertionError(f"no such text: {source}")


def _pattern(source: str, language: str) -> re.Pattern[str]:
    """Return what finds a sentence on a page, whatever stands in its places and between its words."""
    found = []
    for text in _texts(source, language):
        pieces = re.split(r"(%\(\w+\)[sd]|\{\w+\})", re.sub(r"<[^>]+>", " ", text))
        found.append(
            "".join(
                ".{1,60}?" if number % 2 else r"\s*".join(re.escape(word) for word in piece.split(" "))
                for number, piece in enumerate(pieces)
            )
        )
    return re.compile("|".join(found))


class Reader:
    """A mother who acts for her child in one language. `faults` are the words that take her for the child."""

    allowed: dict[str, dict[str, re.Pattern[str]]] = {}

    def __init__(self, language: str) -> None:
        self.language = language
        self.faults: list[str] = []
        self.visited: set[str] = set()
        self.met: set[str] = set()
        self.families = 0
        if language not in self.allowed:
            self.allowed[language] = {
                text: _pattern(text, language) for text in sorted(TO_WHO_ACTS, key=len, reverse=True)
            }

    def acts(self, clinic: dict | None = None, patient: dict | None = None, **rights: object) -> World:
        """Store a clinic where the mother acts for her child from now on, and return it as the child's."""
        world = make_world(clinic, **rights)
        self.families += 1
        names = {"given_name": "Ola", "family_name": "Barn", "gp": world.gp}
        child = make_person(world.clinic, years_ago(8), serial=self.families, **names | (patient or {}))
        mother = number_of(years_ago(38), serial=self.families)
        account = make_account(mother)
        in_register(child, mother)
        relation = operations.check(patient=child, adult=operations.adult_of(account), now=timezone.now())
        self.client = Client()
        self.client.cookies["django_language"] = self.language
        sign_in_account(self.client, account)
        begins(self.client, world.clinic, relation)
        self.clinic = world.clinic
        return World(world.clinic, world.gp, child, account.user)

    def get(self, name: str, *args: object, query: str = "", **how: object) -> str:
        """Open a page, and read where one ends up."""
        return self._read(self.client.get(self._address(name, args) + query, follow=True, **how), name)

    def post(self, name: str, *args: object, sent: dict | None = None, **how: object) -> str:
        """Send a form, and read where one ends up."""
        return self._read(self.client.post(self._address(name, args), sent or {}, follow=True, **how), name)

    def _address(self, name: str, args: Iterable[object]) -> str:
        return reverse(name, args=[self.clinic.portal_identifier, *args])

    def _read(self, response: object, name: str) -> str:
        assert response.status_code in {200, 404, 409, 422}, f"{name}: {response.status_code}"
        self.visited.add(name)
        html = response.content.decode()
        assert "<html" not in html or 'class="acting"' in html, f"{name}: nobody acts any more"
        if response["Content-Type"].startswith("text/html") and response.status_code != 404:
            self.hear(name, words_of(html))
        return html

    def hear(self, name: str, words: str) -> None:
        """Note what is said to the child."""
        for source, pattern in self.allowed[self.language].items():
            words, times = pattern.subn(" ", words)
            if times:
                self.met.add(source)
        for match in re.finditer(rf"\b(?:{YOU[self.language]})\b", words, re.IGNORECASE):
            self.faults.append(f"{name}: …{words[max(match.start() - 60, 0) : match.end() + 60]}…")
