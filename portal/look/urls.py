"""The gallery of components."""

from django.urls import URLPattern, path

from portal.look import gallery

app_name = "look"
urlpatterns: list[URLPattern] = [
    path("", gallery.components, name="components"),
    path("frame/<slug:frame>/", gallery.frame, name="frame"),
]
