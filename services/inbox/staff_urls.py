"""Addresses of the inbox."""

from django.urls import path

from services.inbox import staff_views

app_name = "inbox"
urlpatterns = [
    path("", staff_views.inbox, name="inbox"),
    path("<uuid:item_id>/assign/", staff_views.assign, name="assign"),
]
