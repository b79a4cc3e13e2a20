"""Addresses of the demo's phone."""

from django.urls import path

from notifications.demo_phone import views

app_name = "phone"
urlpatterns = [path("", views.phone, name="phone")]
