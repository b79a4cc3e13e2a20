"""Addresses."""

from django.urls import URLPattern

app_name = "demo_idp"
urlpatterns: list[URLPattern] = []
