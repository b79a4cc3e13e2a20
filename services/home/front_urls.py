"""Addresses before one has chosen a clinic."""

from django.urls import path

from services.home import views

urlpatterns = [
    path("", views.front, name="front"),
    path("Login.aspx", views.legacy_login, name="legacy_login"),
    path("<portal:clinic>/", views.clinic_front, name="clinic_front"),
]
