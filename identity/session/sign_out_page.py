"""What one sees who opens the address of signing out: a link signs nobody out."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render


def ask_to_sign_out(request: HttpRequest, signed_out: str) -> HttpResponse:
    """Return the page with the button; whoever is out already reads so at the address `signed_out`."""
    if not request.user.is_authenticated:
        return HttpResponseRedirect(signed_out)
    return render(request, "identity/sign_out.html")
