"""The patient's way in and start page."""

from django.urls import path

from services.home import views

app_name = "home"
urlpatterns = [
    path("signed-in/", views.signed_in, name="signed_in"),
    path("start/", views.start, name="start"),
    path("help/", views.help_page, name="help"),
]
