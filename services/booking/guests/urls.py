"""Addresses of booking without an account. Nobody's number stands in them."""

from django.urls import path

from services.booking.guests import views

app_name = "guests"
urlpatterns = [
    path("", views.find, name="find"),
    path("<int:slot>/", views.ask, name="ask"),
    path("code/", views.code, name="code"),
    path("code/again/", views.again, name="again"),
    path("request/", views.request_page, name="request"),
    path("link-over/", views.link_over, name="link_over"),
    path("r/<str:word>/", views.link, name="link"),
]
