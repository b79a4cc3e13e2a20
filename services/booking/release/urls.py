"""Addresses of the patient's pages of the draw."""

from django.urls import path

from services.booking.release import views

app_name = "release"
urlpatterns = [
    path("", views.ask, name="ask"),
    path("<uuid:draw_request>/", views.request_page, name="request"),
    path("<uuid:draw_request>/withdrawal/", views.withdraw, name="withdraw"),
]
