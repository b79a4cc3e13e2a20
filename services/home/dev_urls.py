"""Who one can be in the demo. Development only."""

from django.urls import path

from services.home import dev_views

app_name = "dev"
urlpatterns = [
    path("", dev_views.people, name="people"),
    path("short-session/", dev_views.short_session, name="short_session"),
]
