"""Addresses of registration. Nobody's number stands in them."""

from django.urls import path

from services.registration import views

app_name = "registration"
urlpatterns = [
    path("", views.register, name="register"),
    path("finish/", views.finish, name="finish"),
    path("here/", views.here, name="here"),
    path("sent/", views.sent, name="sent"),
    path("terms/", views.terms, name="terms"),
]
