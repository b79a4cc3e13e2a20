"""Addresses."""

from django.urls import URLPattern

app_name = "home_staff"
urlpatterns: list[URLPattern] = []
