"""Guidance texts, the text about the clinic, the reply template and signatures: one editor for all."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import linebreaks
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic_admin import history, markup, policy, text_operations, text_queries
from clinic_admin.choices import (
    DOCTOR_TAG,
    GUIDANCE,
    LANGUAGES,
    PATIENT_TAG,
    ClinicRefusal,
    Service,
    TextKind,
)
from clinic_admin.forms import TextForm, disable
from clinic_admin.guards import StaffRequest, admin_page
from clinic_admin.history import LastChange
from clinic_admin.operations import ClinicChangeRefused
from clinic_admin.text_queries import Text, TextKey

_EXAMPLE_PATIENT = {"nb": "Kari Nordmann", "da": "Jens Hansen", "en": "Anna Smith"}
Tabs = list[tuple[str, str, bool]]
"""Links between texts that belong together: address, words, whether it is this one."""


@dataclass(frozen=True, slots=True)
class _Page:
    """A text as the editor shows it."""

    key: TextKey
    title: str
    lead: str
    tabs: tuple[tuple[str, Tabs], ...] = ()
    """(what the tabs choose, the tabs)."""
    has_markup: bool = False
    may_reset: bool = True


@admin_page
@require_safe
def first_guidance(request: StaffRequest) -> HttpResponse:
    """Lead to the text on booking, in the clinic's language."""
    clinic = request.clinic
    return redirect("clinic_admin:guidance", clinic.portal_identifier, Service.BOOKING, clinic.language)


@admin_page
@require_http_methods(["GET", "HEAD", "POST"])
def guidance(request: StaffRequest, service: str, language: str) -> HttpResponse:
    """Edit what patients read on a service's page (A8)."""
    if service not in GUIDANCE or language not in LANGUAGES:
        raise Http404
    chosen = Service(service)
    services = [
        (_address(request, "guidance", one, language), str(one.label), one is chosen) for one in GUIDANCE
    ]
    page = _Page(
        key=TextKey(GUIDANCE[chosen], language),
        title=_("Guidance texts"),
        lead=_("What patients read on the page of a service, before they choose."),
        tabs=((_("Service"), services), (_("Language"), _languages(request, language, "guidance", service))),
        has_markup=True,
    )
    return _editor(request, page)


@admin_page
@require_safe
def first_about(request: StaffRequest) -> HttpResponse:
    """Lead to the text in the clinic's language."""
    return redirect("clinic_admin:about", request.clinic.portal_identifier, request.clinic.language)


@admin_page
@require_http_methods(["GET", "HEAD", "POST"])
def about(request: StaffRequest, language: str) -> HttpResponse:
    """Edit what the public page says about the clinic (A12)."""
    if language not in LANGUAGES:
        raise Http404
    page = _Page(
        key=TextKey(TextKind.ABOUT, language),
        title=_("About the clinic"),
        lead=_(
            "Stands on the public page about the clinic, above address, opening hours and who works there."
        ),
        tabs=((_("Language"), _languages(request, language, "about")),),
        has_markup=True,
        may_reset=False,
    )
    return _editor(request, page)


@admin_page
@require_safe
def templates(request: StaffRequest) -> HttpResponse:
    """Show the reply template and everybody's signature (A9)."""
    clinic = request.clinic
    language = text_queries.written_language(clinic, clinic.language)
    more = {
        "rejected": text_queries.text(clinic, TextKey(TextKind.REJECTED_CONSULTATION, language)),
        "language": language,
        "signatures": text_queries.signed_providers(clinic),
    }
    return render(request, "clinic_admin/templates.html", more)


@admin_page
@require_http_methods(["GET", "HEAD", "POST"])
def rejected(request: StaffRequest, language: str) -> HttpResponse:
    """Edit the answer to e-consultations that are not answered (000 §6)."""
    if language not in LANGUAGES:
        raise Http404
    page = _Page(
        key=TextKey(TextKind.REJECTED_CONSULTATION, language),
        title=_("Answer to a rejected e-consultation"),
        lead=_("What the patient gets when a question is not answered."),
        tabs=((_("Language"), _languages(request, language, "rejected")),),
    )
    return _editor(request, page)


@admin_page
@require_http_methods(["GET", "HEAD", "POST"])
def signature(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Edit what stands below a provider's written answers (000 §6)."""
    provider = text_queries.provider_of(request.clinic, provider_id)
    if provider is None:
        raise Http404
    page = _Page(
        key=TextKey(TextKind.SIGNATURE, provider_id=provider.pk),
        title=_("Signature of %(name)s") % {"name": provider.name},
        lead=_("Stands below everything that %(name)s writes to patients.") % {"name": provider.name},
        may_reset=False,
    )
    return _editor(request, page)


# -- the editor --------------------------------------------------------------------------------------------
def _editor(request: StaffRequest, page: _Page) -> HttpResponse:
    """Show the text, or preview, save, reset or undo it; which one the button says."""
    if request.method != "POST":
        return _shown(request, page)
    form = _form(page, request.POST)
    wish = request.POST.get("do", "save")
    if wish in {"reset", "undo"}:
        return _brought_back(request, page, form, wish)
    if not form.is_valid():
        return _shown(request, page, form=form, status=422)
    if wish == "preview":
        return _shown(request, page, form=form)
    return _stored(request, page, form)


def _stored(request: StaffRequest, page: _Page, form: TextForm) -> HttpResponse:
    try:
        text_operations.save_text(
            clinic=request.clinic,
            key=page.key,
            body=form.cleaned_data["body"],
            seen=_seen(form),
            actor=request.user,
            now=timezone.now(),
        )
    except ClinicChangeRefused as refused:
        if refused.reason is ClinicRefusal.CHANGED_MEANWHILE:
            return _changed_meanwhile(request, page)
        form.add_error("body", str(refused.message))
        return _shown(request, page, form=form, status=422)
    return _done(request, _("The text is saved."))


def _brought_back(request: StaffRequest, page: _Page, form: TextForm, wish: str) -> HttpResponse:
    form.is_valid()
    change: dict[str, Any] = {
        "clinic": request.clinic,
        "key": page.key,
        "actor": request.user,
        "now": timezone.now(),
    }
    try:
        if wish == "undo":
            text_operations.undo_text(number=_seen(form), **change)
        else:
            text_operations.save_text(body=None, seen=_seen(form), **change)
    except ClinicChangeRefused:
        return _changed_meanwhile(request, page)
    return _done(
        request, _("The text before is back.") if wish == "undo" else _("The standard text is back.")
    )


def _changed_meanwhile(request: StaffRequest, page: _Page) -> HttpResponse:
    """Keep what was typed beside what someone else saved; saving again is then done knowingly."""
    stored = text_queries.text(request.clinic, page.key)
    data = request.POST.copy()
    data["seen"] = str(stored.number)
    return _shown(request, page, form=_form(page, data), differs=stored, status=409)


def _done(request: StaffRequest, message: str) -> HttpResponse:
    messages.success(request, message)
    return redirect(request.path)


def _shown(
    request: StaffRequest,
    page: _Page,
    *,
    form: TextForm | None = None,
    differs: Text | None = None,
    status: int = 200,
) -> HttpResponse:
    stored = differs or text_queries.text(request.clinic, page.key)
    if form is None:
        form = _form(page, initial={"body": stored.body, "seen": stored.number})
    may_save = request.staff_member.is_administrator
    if not may_save:
        disable(form)
    typed = str(form["body"].value() or "").replace("\r\n", "\n")[: policy.LONGEST_TEXT]
    more = {
        "page": page,
        "form": form,
        "stored": stored,
        "before": text_queries.text_before(request.clinic, page.key, stored.number),
        "last": _last(request, stored),
        "differs": differs,
        "preview": _preview(request, page, typed),
        "tags": (PATIENT_TAG, DOCTOR_TAG) if page.key.kind is TextKind.REJECTED_CONSULTATION else (),
        "may_save": may_save,
    }
    template = "clinic_admin/text.html#preview" if request.htmx else "clinic_admin/text.html"
    return render(request, template, more, status=status)


def _preview(request: StaffRequest, page: _Page, body: str) -> SafeString:
    """Return the text as patients will see it; empty while nothing is written."""
    if page.has_markup:
        return markup.rendered(body)
    if page.key.kind is TextKind.REJECTED_CONSULTATION:
        body = policy.filled_in(
            body, patient=_EXAMPLE_PATIENT[page.key.language], doctor=request.staff_member.name
        )
    return SafeString(linebreaks(body, autoescape=True) if body.strip() else "")


def _last(request: StaffRequest, stored: Text) -> LastChange | None:
    if stored.saved_at is None:
        return None
    return LastChange(history.name_of(request.clinic, stored.saved_by), stored.saved_at)


def _form(page: _Page, *args: Any, **kwargs: Any) -> TextForm:
    return TextForm(*args, is_signature=page.key.kind is TextKind.SIGNATURE, **kwargs)


def _seen(form: TextForm) -> int:
    """Return the version on the page; without one it is none that was ever stored."""
    seen = form.cleaned_data.get("seen")
    return -1 if seen is None else int(seen)


def _languages(request: StaffRequest, current: str, name: str, *arguments: str) -> Tabs:
    words = {"nb": _("Norwegian"), "da": _("Danish"), "en": _("English")}
    return [
        (_address(request, name, *arguments, language), words[language], language == current)
        for language in LANGUAGES
    ]


def _address(request: StaffRequest, name: str, *arguments: str) -> str:
    return reverse(f"clinic_admin:{name}", args=[request.clinic.portal_identifier, *arguments])
