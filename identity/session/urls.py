"""Addresses about the session itself."""

from django.urls import path

from identity.session import views

app_name = "session"
urlpatterns = [
    path("left/", views.left, name="left"),
    path("stay/", views.stay, name="stay"),
    path("kept/<uuid:kept_id>/drop/", views.drop, name="drop_kept"),
]
