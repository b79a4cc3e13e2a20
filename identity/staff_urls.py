"""Addresses."""

from django.urls import URLPattern

app_name = "identity_staff"
urlpatterns: list[URLPattern] = []
