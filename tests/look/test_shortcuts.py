"""Keys that press links and buttons (D14): when they do, and when they leave the keyboard to whoever is writing."""

import pytest

from launcher import browser as browsers
from tests.look.test_assets import ROOT

pytestmark = pytest.mark.browser

PAGE = """
<title>Keys</title>
<a href="#second" aria-keyshortcuts="Control+2">Contact</a>
<a href="#hidden" aria-keyshortcuts="Alt+P" hidden>Not here</a>
<form><input name="mobile" type="tel"><input name="consent" type="checkbox">
<button type="button" name="create" aria-keyshortcuts="Alt+P">Create</button>
<button type="button" name="code" aria-keyshortcuts="Alt+K">New code</button></form>
<dialog><p>Sure?</p><button type="button" name="yes" aria-keyshortcuts="Alt+K">Yes</button></dialog>
"""
COUNT = """
window.presses = [];
document.addEventListener("click", (event) => window.presses.push(event.target.name || event.target.hash));
"""


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(browsers.find()), args=["--no-sandbox", "--disable-gpu"]
        )
        yield started
        started.close()


@pytest.fixture
def page(chromium):
    opened = chromium.new_page()
    opened.set_content(PAGE)
    opened.add_script_tag(content=COUNT)
    opened.add_script_tag(content=(ROOT / "assets" / "js" / "shortcuts.js").read_text())
    yield opened
    opened.close()


def presses(page):
    return page.evaluate("window.presses")


def key(page, selector="body", **event):
    """Send a key as a keyboard of another kind would; return whether the browser may still use it."""
    return page.evaluate(
        """([selector, event]) => document.querySelector(selector).dispatchEvent(
            new KeyboardEvent("keydown", {bubbles: true, cancelable: true, ...event}))""",
        [selector, event],
    )


@pytest.mark.parametrize(
    ("keys", "what"), [("Control+2", "#second"), ("Alt+p", "create"), ("Alt+k", "code")], ids=str
)
@pytest.mark.parametrize("place", ["body", "[name=mobile]", "[name=consent]"])
def test_the_keys_press_what_says_so(page, keys, what, place):
    page.locator(place).press(keys)
    assert presses(page) == [what]


@pytest.mark.parametrize(
    "keys", ["2", "p", "Shift+P", "Control+p", "Control+Alt+p", "Control+Shift+2", "Meta+2"]
)
def test_other_keys_press_nothing(page, keys):
    page.locator("[name=mobile]").press(keys)
    assert presses(page) == []


def test_a_letter_that_the_keyboard_writes_with_alt_is_written(page):
    mac = {"altKey": True, "key": "π", "code": "KeyP"}
    assert key(page, "[name=mobile]", **mac)
    assert presses(page) == []
    assert not key(page, **mac)
    assert presses(page) == ["create"]


def test_a_sign_with_altgr_or_the_numbers_block_is_written(page):
    page.evaluate("document.querySelector('a').setAttribute('aria-keyshortcuts', 'Control+Alt+2')")
    assert key(
        page, "[name=mobile]", ctrlKey=True, altKey=True, modifierAltGraph=True, key="@", code="Digit2"
    )
    page.evaluate("document.querySelector('a').setAttribute('aria-keyshortcuts', 'Alt+2')")
    assert key(page, altKey=True, key="2", code="Numpad2")
    assert presses(page) == []


def test_letters_follow_the_keyboards_own_order_and_digits_their_place(page):
    key(page, altKey=True, key="p", code="KeyR")
    key(page, ctrlKey=True, key="é", code="Digit2")
    assert presses(page) == ["create", "#second"]


def test_keys_held_down_press_once_and_the_browser_does_not_get_them(page):
    held = {"ctrlKey": True, "key": "2", "code": "Digit2"}
    assert not key(page, **held)
    assert not key(page, **held, repeat=True)
    assert presses(page) == ["#second"]


def test_behind_an_open_dialog_nothing_is_pressed(page):
    page.evaluate("document.querySelector('dialog').showModal()")
    page.keyboard.press("Alt+p")
    page.keyboard.press("Alt+k")
    assert presses(page) == ["yes"]


def test_while_a_character_is_being_put_together_nothing_is_pressed(page):
    assert key(page, "[name=mobile]", altKey=True, key="k", code="KeyK", isComposing=True)
    assert presses(page) == []
