"""The addresses of the demo's SAML provider."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from identity.choices import Protocol
from identity.demo_idp import saml_operations, views
from identity.demo_idp.forms import ChooseForm
from identity.demo_idp.realms import REALMS, Realm
from identity.demo_idp.saml_messages import BadMessage
from portal.audience import development_page


@development_page
@require_GET
def metadata(request: HttpRequest, realm: str) -> HttpResponse:
    """Who the provider is."""
    return HttpResponse(saml_operations.metadata(_realm(realm)), content_type="application/samlmetadata+xml")


@development_page
@require_http_methods(["GET", "POST"])
def sso(request: HttpRequest, realm: str) -> HttpResponse:
    """Ask who one wants to be, then hand the answer to the browser, which posts it to the portal."""
    found, now = _realm(realm), timezone.now()
    try:
        asked = saml_operations.read_request(found, request.META.get("QUERY_STRING", ""))
    except BadMessage:
        return render(request, "demo_idp/over.html", {"realm": found}, status=400)
    form = ChooseForm(request.POST if request.method == "POST" else None, realm=found)
    if request.method == "POST" and "cancel" in request.POST:
        response = saml_operations.cancel(found, asked, now=now)
    elif request.method == "POST" and form.is_valid():
        response = saml_operations.sign_in(found, asked, form.chosen(), now=now)
    else:
        status = 422 if form.is_bound else 200
        return render(request, "demo_idp/authorize.html", {"realm": found, "form": form}, status=status)
    return render(request, "demo_idp/answer.html", {"realm": found, "asked": asked, "response": response})


@development_page
@require_GET
def slo(request: HttpRequest, realm: str) -> HttpResponse:
    """Sign out whom the portal names, or hear that the portal has done so."""
    found, query = _realm(realm), request.META.get("QUERY_STRING", "")
    try:
        if "SAMLRequest" in request.GET:
            return views.go(saml_operations.sign_out(found, query, now=timezone.now()))
        done = saml_operations.is_signed_out(found, query)
    except BadMessage:
        return render(request, "demo_idp/over.html", {"realm": found}, status=400)
    return render(request, "demo_idp/signed_out.html", {"realm": found, "done": done})


def _realm(slug: str) -> Realm:
    if slug not in REALMS or REALMS[slug].protocol != Protocol.SAML:
        raise Http404
    return REALMS[slug]
