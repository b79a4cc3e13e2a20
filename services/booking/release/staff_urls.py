"""Addresses of the staff's page about releases."""

from django.urls import path

from services.booking.release import staff_views

app_name = "release_staff"
urlpatterns = [path("", staff_views.release, name="release")]
