"""A browser and a running product for the journeys."""

import pytest

from launcher import browser as browsers
from tests.journeys.people import staff_signs_in
from tests.journeys.product import running


@pytest.fixture(scope="package")
def product(tmp_path_factory, worker_id):
    folder = tmp_path_factory.mktemp("product")
    with running(folder, worker_id) as started:
        yield started


@pytest.fixture(scope="package")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(browsers.find()),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-sync",
                "--no-first-run",
            ],
        )
        yield started
        started.close()


@pytest.fixture
def new_page(chromium, product, request):
    """Open pages of separate people: each call is a browser of its own. Any script error or CSP refusal fails the test."""
    contexts, troubles = [], []

    def open_page(
        width: int = 1280,
        height: int = 900,
        scripts: bool = True,
        language: str = "en",
        by_finger: bool = False,
    ):
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            java_script_enabled=scripts,
            base_url=product.address,
            has_touch=by_finger,
            is_mobile=by_finger,
        )
        context.add_cookies([{"name": "django_language", "value": language, "url": product.address}])
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console",
            lambda line: troubles.append(line.text) if "Content Security Policy" in line.text else None,
        )
        page.on("response", lambda answer: troubles.append(answer.url) if answer.status >= 500 else None)
        contexts.append(context)
        return page

    yield open_page
    for number, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=product.folder / f"{request.node.name}-{number}.png", full_page=True)
        context.close()
    assert not troubles


@pytest.fixture
def person(clinic, new_page):
    """Open a page of one of the staff whom the module's `clinic` names, signed in: "secretary", "admin"."""

    def signed_in(who, **values):
        page = new_page(**values)
        staff_signs_in(page, email=clinic[who], password=clinic["password"], secret=clinic[f"{who}_secret"])
        return page

    return signed_in
