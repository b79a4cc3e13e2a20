"""Addresses for providers' receipts."""

from django.urls import path

from notifications import views

app_name = "notifications"
urlpatterns = [path("twilio/<uuid:attempt>/", views.twilio_receipt, name="twilio_receipt")]
