"""Addresses."""

from django.urls import path

from patients import contact_views, views

app_name = "patients"
urlpatterns = [
    path("", views.details, name="details"),
    path("check/", contact_views.check, name="check"),
    path("waiting/", contact_views.waiting, name="waiting"),
    path("confirm/", contact_views.confirm, name="contact_confirm"),
    path("confirm/<str:token>/", contact_views.link, name="contact_link"),
]
