"""Addresses."""

from django.urls import URLPattern

app_name = "delegation_admin"
urlpatterns: list[URLPattern] = []
