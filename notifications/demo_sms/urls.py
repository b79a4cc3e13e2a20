"""Addresses."""

from django.urls import URLPattern

app_name = "demo_sms"
urlpatterns: list[URLPattern] = []
