"""Addresses of the patient's pages of earlier times."""

from django.urls import path

from services.booking.earlier import views

app_name = "earlier"
urlpatterns = [
    path("", views.mine, name="mine"),
    path("join/", views.join, name="join"),
    path("join/<uuid:appointment>/", views.join, name="join_for"),
    path("<uuid:wish_id>/leave/", views.leave, name="leave"),
    path("offers/<uuid:offer_id>/", views.offer, name="offer"),
]
