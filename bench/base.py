"""What the product is compared with: a Django view that says hello, without middleware, database or template."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path


def hello(_request: HttpRequest) -> HttpResponse:
    """Say hello."""
    return HttpResponse("hello", headers={"Content-Length": "5"})


urlpatterns = [path("", hello)]
settings.configure(
    DEBUG=False,
    SECRET_KEY="bench",  # noqa: S106 - signs nothing
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    LOGGING_CONFIG=None,
)
application = get_wsgi_application()
