"""Addresses of the staff's pages about requests without an account."""

from django.urls import path

from services.booking.guests import staff_views

app_name = "guests_staff"
urlpatterns = [
    path("", staff_views.waiting, name="waiting"),
    path("<uuid:guest_id>/", staff_views.guest_request, name="request"),
]
