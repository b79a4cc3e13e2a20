"""The gallery and the error pages."""

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import override_settings
from django.urls import clear_url_caches, reverse
from django.utils.translation import override

from portal.look.gallery import FRAMES

ERRORS = ["400", "403", "403_csrf", "404", "413", "500", "503"]


@pytest.mark.django_db
@pytest.mark.parametrize("scheme", ["auto", "dark", "nonsense"])
def test_the_gallery_opens(client, scheme):
    answer = client.get(reverse("look:components"), {"scheme": scheme})
    assert answer.status_code == 200
    wanted = "auto" if scheme == "nonsense" else scheme
    assert f'data-color-scheme="{wanted}"' in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("frame", FRAMES)
def test_every_frame_opens_and_has_one_main_part_and_one_heading(client, frame):
    html = client.get(reverse("look:frame", args=[frame])).content.decode()
    assert html.count("<main") == 1
    assert html.count("<h1") == 1 or frame == "components"
    assert 'href="#main"' in html


@pytest.mark.django_db
def test_a_frame_that_does_not_exist_is_not_found(client):
    assert client.get(reverse("look:frame", args=["other"])).status_code == 404


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("language", ["nb", "da", "en"])
def test_an_error_page_stands_without_database_or_context(name, language):
    with override(language):
        html = render_to_string(f"{name}.html", {"status": 500})
    assert f'lang="{language}"' in html
    assert html.count("<h1") == 1
    assert "<a " in html
    assert "Traceback" not in html


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_page_says_how_to_reach_someone(name):
    with override("en"):
        assert "hone the clinic" in render_to_string(f"{name}.html")


def test_an_error_page_stands_without_collected_files(tmp_path):
    storages = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}
    with override_settings(STORAGES={**settings.STORAGES, **storages}, STATIC_ROOT=tmp_path):
        assert "/static/vendor/venterom.css" in render_to_string("500.html")


def test_error_pages_carry_no_form_and_no_script():
    for name in ERRORS:
        html = render_to_string(f"{name}.html")
        assert "<form" not in html
        assert "<script" not in html


def test_production_has_no_gallery():
    clear_url_caches()
    source = (settings.ROOT / "portal" / "urls.py").read_text()
    before, after = source.split("if settings.IS_DEVELOPMENT:")
    assert "portal.look.urls" not in before
    assert "portal.look.urls" in after
