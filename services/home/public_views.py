"""What everyone may read about a clinic and its portal: about, help, questions and answers (A12)."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from clinic_admin import markup, text_queries
from clinic_admin import queries as clinics
from clinic_admin.countries import rules_of
from clinic_admin.guards import ClinicRequest, clinic_page
from clinic_admin.sms_price import sms_price
from identity import queries as identity_queries
from identity import sessions
from identity.by_code import memberships
from services.home import queries


@clinic_page
@require_safe
def about(request: ClinicRequest) -> HttpResponse:
    """Show what the clinic says about itself, where it is, when it is open, and who can be reached here."""
    clinic, now = request.clinic, timezone.now()
    text = text_queries.about(clinic, get_language() or clinic.language)
    more = {
        "text": markup.rendered(text),
        "days": queries.opening_hours(clinic, now),
        "is_open": clinics.is_open(clinic, now),
        "closures": clinics.coming_closures(clinic, timezone.localdate(now, clinic.zone)),
        "providers": clinics.providers_in_portal(clinic),
    }
    return render(request, "home/about.html", more)


@clinic_page
@require_safe
def help_page(request: ClinicRequest) -> HttpResponse:
    """Explain signing in to those outside, and what the portal can do to those inside."""
    return render(request, "home/help.html", _words(request))


@clinic_page
@require_safe
def faq(request: ClinicRequest) -> HttpResponse:
    """Answer what patients often ask."""
    return render(request, "home/faq.html", _words(request))


def _words(request: ClinicRequest) -> dict[str, object]:
    clinic = request.clinic
    return {
        "urgent": queries.urgent_help(clinic),
        "is_inside": sessions.of(request) is not None and request.user.is_authenticated,
        "methods": [choice.name for choice in identity_queries.sign_in_choices(clinic)],
        "has_codes": memberships.offers_codes(clinic),
        "sms_price": sms_price(clinic),
        "codes_need_reason": rules_of(clinic.country).codes_need_reason,
    }
