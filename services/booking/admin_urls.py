"""Addresses."""

from django.urls import URLPattern

app_name = "booking_admin"
urlpatterns: list[URLPattern] = []
