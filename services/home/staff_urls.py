"""Addresses of staff."""

from django.urls import path

from services.home import staff_views

app_name = "home_staff"
urlpatterns = [path("", staff_views.desk, name="desk")]
