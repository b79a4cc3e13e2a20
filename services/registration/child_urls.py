"""Addresses of a guardian who makes a child's sign-in. Nobody's number stands in them."""

from django.urls import path

from services.registration import child_views

app_name = "child"
urlpatterns = [
    path("", child_views.make, name="make"),
    path("confirm/", child_views.confirm, name="confirm"),
    path("finish/", child_views.finish, name="finish"),
]
