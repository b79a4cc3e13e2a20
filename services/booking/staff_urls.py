"""Addresses."""

from django.urls import URLPattern

app_name = "booking_staff"
urlpatterns: list[URLPattern] = []
