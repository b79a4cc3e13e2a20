"""The patient's way in and start page."""

from django.urls import path

from services.home import public_views, views

app_name = "home"
urlpatterns = [
    path("signed-in/", views.signed_in, name="signed_in"),
    path("start/", views.start, name="start"),
    path("about/", public_views.about, name="about"),
    path("help/", public_views.help_page, name="help"),
    path("questions/", public_views.faq, name="faq"),
]
