"""Addresses."""

from django.urls import URLPattern

app_name = "clinic_admin"
urlpatterns: list[URLPattern] = []
