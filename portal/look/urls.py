"""The gallery of components."""

from django.urls import URLPattern

app_name = "look"
urlpatterns: list[URLPattern] = []
