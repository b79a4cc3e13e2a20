"""The search over all settings."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clinic_admin import settings_index
from clinic_admin.forms import SearchForm
from clinic_admin.guards import StaffRequest, admin_page


@admin_page
@require_safe
def search(request: StaffRequest) -> HttpResponse:
    """Show which settings hold the words, each with a link to its field (A10)."""
    form = SearchForm(request.GET)
    if not form.is_valid():
        return render(request, "clinic_admin/search.html", {"form": form}, status=422)
    asked = form.cleaned_data["q"]
    found = settings_index.search(asked, request.clinic.portal_identifier)
    return render(request, "clinic_admin/search.html", {"form": form, "asked": asked, "found": found})
