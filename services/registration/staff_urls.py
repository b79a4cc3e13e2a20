"""Addresses of login requests for staff."""

from django.urls import path

from services.registration import staff_views

app_name = "registration_staff"
urlpatterns = [path("<uuid:request_id>/", staff_views.login_request, name="request")]
