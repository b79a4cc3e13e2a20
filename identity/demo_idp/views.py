"""The addresses of the demo's providers."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import activate, check_for_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from identity.demo_idp import keys, operations
from identity.demo_idp.forms import ChooseForm
from identity.demo_idp.operations import ClientProof, OAuthError
from identity.demo_idp.realms import REALMS, Realm
from portal.audience import development_page


@development_page
@require_GET
def configuration(request: HttpRequest, realm: str) -> HttpResponse:
    """The discovery document."""
    return JsonResponse(operations.discovery(_realm(realm)))


@development_page
@require_GET
def jwks(request: HttpRequest, realm: str) -> HttpResponse:
    """The public keys."""
    return JsonResponse({"keys": [keys.public_jwk(keys.signing_key(_realm(realm).slug))]})


@development_page
@csrf_exempt
@require_POST
def par(request: HttpRequest, realm: str) -> HttpResponse:
    """Pushed authorization requests (RFC 9126)."""
    try:
        handle = operations.push(_realm(realm), _proof(request), now=timezone.now())
    except OAuthError as error:
        return _refusal(error)
    return JsonResponse({"request_uri": handle, "expires_in": 600}, status=201)


@development_page
@csrf_exempt
@require_POST
def token(request: HttpRequest, realm: str) -> HttpResponse:
    """The token endpoint."""
    try:
        return JsonResponse(operations.redeem(_realm(realm), _proof(request), now=timezone.now()))
    except OAuthError as error:
        return _refusal(error)


@development_page
@require_http_methods(["GET", "POST"])
def authorize(request: HttpRequest, realm: str) -> HttpResponse:
    """Ask who one wants to be."""
    found = _realm(realm)
    now = timezone.now()
    grant = operations.pushed_request(
        found,
        handle=request.GET.get("request_uri", ""),
        client_id=request.GET.get("client_id", ""),
        now=now,
    )
    if grant is None:
        return render(request, "demo_idp/over.html", {"realm": found}, status=400)
    asked_language = grant.asked.get("ui_locales", "")
    if check_for_language(asked_language):
        activate(asked_language)
    if request.method == "POST" and "cancel" in request.POST:
        return go(operations.cancel(found, grant))
    form = ChooseForm(request.POST if request.method == "POST" else None, realm=found)
    if request.method == "POST" and form.is_valid():
        try:
            return go(operations.choose(found, grant, form.chosen(), now=now))
        except OAuthError:
            return render(request, "demo_idp/over.html", {"realm": found}, status=400)
    status = 422 if form.is_bound else 200
    return render(request, "demo_idp/authorize.html", {"realm": found, "form": form}, status=status)


def _realm(slug: str) -> Realm:
    if slug not in REALMS:
        raise Http404
    return REALMS[slug]


def _proof(request: HttpRequest) -> ClientProof:
    return ClientProof(authorization=request.headers.get("Authorization", ""), form=request.POST.dict())


def _refusal(error: OAuthError) -> HttpResponse:
    return JsonResponse({"error": error.code}, status=error.status)


def go(address: str) -> HttpResponse:
    """Return the redirect after a form."""
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response
