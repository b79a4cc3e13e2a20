"""The small markup of texts that clinics write."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_admin import markup, policy
from clinic_admin.choices import DOCTOR_TAG, LANGUAGES, PATIENT_TAG, ClinicRefusal, TextKind
from clinic_admin.factory_texts import FACTORY

ALLOWED = {"p", "br", "ul", "li", "strong", "a"}


class Reader(HTMLParser):
    """Collects tags, attributes and the text that a browser would show."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def read(text):
    reader = Reader()
    reader.feed(markup.rendered(text))
    reader.close()
    return reader


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("One", "<p>One</p>"),
        ("One\ntwo", "<p>One<br>two</p>"),
        ("One\n\nTwo", "<p>One</p><p>Two</p>"),
        ("One\r\n \r\nTwo", "<p>One</p><p>Two</p>"),
        ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
        ("Bring:\n- a\nThen", "<p>Bring:</p><ul><li>a</li></ul><p>Then</p>"),
        ("**Not** urgent", "<p><strong>Not</strong> urgent</p>"),
        ("2 ** 3 ** 4", "<p>2 ** 3 ** 4</p>"),
        (
            "See https://helsenorge.no/om.",
            '<p>See <a href="https://helsenorge.no/om" rel="noopener">https://helsenorge.no/om</a>.</p>',
        ),
        ("http://plain.example", "<p>http://plain.example</p>"),
        ("javascript:alert(1)", "<p>javascript:alert(1)</p>"),
        ("https://", "<p>https://</p>"),
        ("<b>&", "<p>&lt;b&gt;&amp;</p>"),
    ],
)
def test_the_marks_do_what_the_page_says(text, html):
    assert markup.rendered(text) == html


def test_a_link_can_be_bold():
    assert markup.rendered("**https://a.example**").startswith("<p><strong><a href=")


PIECES = [
    "<script>",
    "</p>",
    "<img src=x onerror=a>",
    "**",
    "- ",
    "https://x.example/",
    '"',
    "'",
    "&lt;",
    "\n",
]
PIECES += ["\n\n", "javascript:", "<", ">", " onclick=", 'https://x"onmouseover="', "word", " ", "&#60;"]
HOSTILE = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.sampled_from(PIECES),
        max_size=30,
    ).map("".join),
)


@given(HOSTILE)
def test_whatever_is_typed_only_our_own_tags_come_out(text):
    seen = read(text)
    assert set(seen.tags) <= ALLOWED
    for name, value in seen.attributes:
        assert name in {"href", "rel"}
        assert name == "rel" or value.startswith("https://")


@given(HOSTILE)
def test_nothing_that_was_typed_is_lost_but_marks_and_space(text):
    def bare(words):
        return "".join(words.replace("*", "").replace("-", "").split())

    assert bare(read(text).text) == bare(text)


@pytest.mark.parametrize("kind", [kind for kind in TextKind if kind is not TextKind.SIGNATURE])
def test_factory_texts_exist_in_every_language_and_pass_our_own_rules(kind):
    assert set(FACTORY[kind]) == set(LANGUAGES)
    for text in FACTORY[kind].values():
        assert len(text) <= policy.LONGEST_TEXT
        assert policy.text_refusal(text, has_tags=kind is TextKind.REJECTED_CONSULTATION) is None
        if kind is TextKind.REJECTED_CONSULTATION:
            assert PATIENT_TAG in text
            assert DOCTOR_TAG in text


@pytest.mark.parametrize("wrong", ["[DOTOR_VALUE_TAG]", "[Patient_Value_Tag]", "Hi [NAME_TAG]!"])
def test_a_misspelt_placeholder_is_refused(wrong):
    assert policy.text_refusal(wrong, has_tags=True) is ClinicRefusal.TEXT_UNKNOWN_TAG
    assert policy.text_refusal(wrong, has_tags=False) is None


def test_brackets_that_are_no_placeholder_are_fine():
    assert policy.text_refusal("[see above] [1]", has_tags=True) is None


def test_names_are_filled_in_once_and_as_they_are():
    text = f"Dear {PATIENT_TAG}, from {DOCTOR_TAG} {PATIENT_TAG}"
    filled = policy.filled_in(text, patient=DOCTOR_TAG, doctor="B")
    assert filled == f"Dear {DOCTOR_TAG}, from B {DOCTOR_TAG}"
