"""Guidance, the text about the clinic, the reply template, signatures."""

from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic_admin import text_operations, text_queries
from clinic_admin.choices import DOCTOR_TAG, PATIENT_TAG, ClinicRefusal, Role, Service, TextKind
from clinic_admin.factory_texts import factory_text
from clinic_admin.models import ClinicText
from clinic_admin.operations import ClinicChangeRefused
from clinic_admin.text_queries import TextKey
from portal import audit
from portal.models import AuditEvent
from tests.build import make_clinic, make_provider
from tests.clinic_admin.build_clinic_admin import sign_in_staff

pytestmark = pytest.mark.django_db
BOOKING = TextKey(TextKind.GUIDANCE_BOOKING, "nb")


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def admin(client, clinic):
    return sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)


def address(clinic, name="guidance", *arguments):
    arguments = arguments or (("booking", "nb") if name == "guidance" else ())
    return reverse(f"clinic_admin:{name}", args=[clinic.portal_identifier, *arguments])


def send(client, where, body="", do="save", seen=0, **more):
    return client.post(where, {"body": body, "do": do, "seen": seen}, **more)


def page(response):
    return unescape(response.content.decode())


def test_a_clinic_begins_with_the_factory_texts_in_the_readers_language(clinic):
    for language in ("nb", "da", "en"):
        shown = text_queries.guidance(clinic, Service.URGENT, language)
        assert shown == factory_text(TextKind.GUIDANCE_URGENT, language)
    assert text_queries.guidance(clinic, Service.URGENT, "en-gb").startswith("Urgent times")
    assert text_queries.guidance(clinic, Service.URGENT, "fr").startswith("Hastetimer")


def test_a_saved_text_is_in_force_at_once_and_recorded_without_its_words(client, clinic, admin):
    assert send(client, address(clinic), "Ta med **legitimasjon**.\r\n\r\n- kort").status_code == 302
    assert text_queries.guidance(clinic, Service.BOOKING, "nb") == "Ta med **legitimasjon**.\n\n- kort"
    assert text_queries.guidance(clinic, Service.BOOKING, "da") == factory_text(BOOKING.kind, "da")
    assert text_queries.guidance(make_clinic(), Service.BOOKING, "nb") == factory_text(BOOKING.kind, "nb")
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.clinic_id) == ("text.changed", admin.user_id, clinic.pk)
    assert "legitimasjon" not in str(event.details)


def test_saving_it_as_it_is_changes_nothing(client, clinic, admin):
    assert (
        send(client, address(clinic), factory_text(BOOKING.kind, "nb").replace("\n", "\r\n")).status_code
        == 302
    )
    assert not ClinicText.objects.exists()
    assert not AuditEvent.objects.exists()


def test_it_can_be_reset_and_every_change_undone(client, clinic, admin):
    factory = factory_text(BOOKING.kind, "nb")
    steps = [
        ("save", 0, "En", "En"),
        ("save", 1, "To", "To"),
        ("undo", 2, "", "En"),
        ("reset", 3, "", factory),
        ("undo", 4, "", "En"),
    ]
    for do, seen, typed, in_force in steps:
        assert send(client, address(clinic), typed, do=do, seen=seen).status_code == 302
        assert text_queries.guidance(clinic, Service.BOOKING, "nb") == in_force
    assert list(ClinicText.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("do", ["save", "reset", "undo"])
def test_a_second_tab_keeps_what_it_typed_and_sees_what_the_first_saved(client, clinic, admin, do):
    send(client, address(clinic), "Fra første fane")
    send(client, address(clinic), "Rettet i første fane", seen=1)
    response = send(client, address(clinic), "Fra andre fane", do=do, seen=1)
    assert response.status_code == 409
    assert "Fra andre fane" in page(response)
    assert "Rettet i første fane" in page(response)
    assert 'name="seen" value="2"' in page(response)
    assert text_queries.guidance(clinic, Service.BOOKING, "nb") == "Rettet i første fane"
    assert send(client, address(clinic), "Fra andre fane", seen=2).status_code == 302


def test_undoing_twice_by_a_double_press_undoes_once(client, clinic, admin):
    send(client, address(clinic), "En")
    send(client, address(clinic), "To", seen=1)
    assert send(client, address(clinic), do="undo", seen=2).status_code == 302
    assert send(client, address(clinic), do="undo", seen=2).status_code == 409
    assert text_queries.guidance(clinic, Service.BOOKING, "nb") == "En"


def test_an_empty_text_shows_nothing(client, clinic, admin):
    send(client, address(clinic), "  ")
    assert text_queries.guidance(clinic, Service.BOOKING, "nb") == ""


@pytest.mark.parametrize("seen", ["", "x", "-1", "99999999999"])
def test_a_forged_version_is_no_way_around(client, clinic, admin, seen):
    assert send(client, address(clinic), "Ny", seen=seen).status_code in {409, 422}
    assert not ClinicText.objects.exists()


def test_too_long_is_told_by_the_field_and_kept(client, clinic, admin):
    response = send(client, address(clinic), "x" * 4001)
    assert response.status_code == 422
    assert "id_body_error" in page(response)
    assert "x" * 4001 in page(response)
    fits = "\r\n".join(["x" * 39] * 100)
    assert send(client, address(clinic), fits).status_code == 302


def test_the_preview_shows_what_was_typed_and_saves_nothing(client, clinic, admin):
    typed = "<script>alert(1)</script> **fet**"
    for more in ({}, {"HTTP_HX_REQUEST": "true"}):
        response = send(client, address(clinic), typed, do="preview", **more)
        assert response.status_code == 200
        preview = response.content.decode().split('id="preview"')[1]
        assert "&lt;script&gt;alert(1)&lt;/script&gt; <strong>fet</strong>" in preview
        assert "<script>alert" not in response.content.decode()
        assert ("<html" in response.content.decode()) is not bool(more)
    assert not ClinicText.objects.exists()


def test_a_misspelt_placeholder_is_told_by_the_field(client, clinic, admin):
    where = address(clinic, "rejected", "nb")
    response = send(client, where, f"Hei {PATIENT_TAG}\n[DOTOR_VALUE_TAG]")
    assert response.status_code == 422
    assert "id_body_error" in page(response)
    assert "[DOTOR_VALUE_TAG]" in page(response)
    assert not ClinicText.objects.exists()
    assert send(client, where, f"Hei {PATIENT_TAG}\n{DOCTOR_TAG}").status_code == 302


def test_the_preview_of_the_reply_fills_the_names_in(client, clinic, admin):
    response = send(
        client, address(clinic, "rejected", "nb"), f"Hei {PATIENT_TAG}. {DOCTOR_TAG}", do="preview"
    )
    assert "Hei Kari Nordmann. Siv Sekretær" in page(response)


def test_each_provider_has_a_signature(client, clinic, admin):
    one, two = make_provider(clinic, name="Magnard Koman"), make_provider(clinic)
    assert send(client, address(clinic, "signature", one.pk), "Magnard Koman\nFastlege").status_code == 302
    assert text_queries.signature(one) == "Magnard Koman\nFastlege"
    assert text_queries.signature(two) == ""
    assert "Fastlege" in page(client.get(address(clinic, "templates")))
    assert send(client, address(clinic, "signature", one.pk), "x" * 501, seen=1).status_code == 422


def test_what_is_not_there_or_is_another_clinics_is_404(client, clinic, admin):
    stranger = make_provider(make_clinic())
    left = make_provider(clinic, is_active=False)
    for where in (
        address(clinic, "guidance", "renewal", "nb"),
        address(clinic, "guidance", "nothing", "nb"),
        address(clinic, "guidance", "booking", "fr"),
        address(clinic, "about", "fr"),
        address(clinic, "rejected", "xx"),
        address(clinic, "signature", stranger.pk),
        address(clinic, "signature", left.pk),
    ):
        assert client.get(where).status_code == 404
        assert send(client, where, "x").status_code == 404
    assert not ClinicText.objects.exists()


def test_others_read_and_can_save_nothing(client, clinic):
    provider = make_provider(clinic)
    sign_in_staff(client, clinic)
    for where in (
        address(clinic),
        address(clinic, "about", "nb"),
        address(clinic, "rejected", "nb"),
        address(clinic, "signature", provider.pk),
    ):
        main = page(client.get(where)).split("<main")[1].split("</main")[0]
        assert 'type="submit"' not in main
        for do in ("save", "reset", "undo", "preview"):
            assert send(client, where, "x", do=do).status_code == 403
    assert not ClinicText.objects.exists()


def test_the_operation_itself_refuses_an_unknown_placeholder(clinic):
    with pytest.raises(ClinicChangeRefused) as refused:
        text_operations.save_text(
            clinic=clinic,
            key=TextKey(TextKind.REJECTED_CONSULTATION, "nb"),
            body="[X_TAG]",
            seen=0,
            actor=audit.SYSTEM,
            now=timezone.now(),
        )
    assert refused.value.reason is ClinicRefusal.TEXT_UNKNOWN_TAG


def test_many_versions_cost_no_more_queries(client, clinic, admin, django_assert_max_num_queries):
    for number in range(12):
        send(client, address(clinic), f"Nummer {number}", seen=number)
    with django_assert_max_num_queries(11):
        client.get(address(clinic))
    for _ in range(5):
        make_provider(clinic)
    with django_assert_max_num_queries(9):
        client.get(address(clinic, "templates"))
