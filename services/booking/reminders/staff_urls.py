"""Addresses of the staff's page about reminders."""

from django.urls import path

from services.booking.reminders import staff_views

app_name = "reminders_staff"
urlpatterns = [path("", staff_views.failed, name="failed")]
