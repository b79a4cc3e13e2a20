"""Addresses of the SMS stand-in."""

from django.urls import path

from notifications.demo_sms import api

app_name = "demo_sms"
_ACCOUNT = "2010-04-01/Accounts/<str:account>"
urlpatterns = [
    path(f"{_ACCOUNT}.json", api.account, name="account"),
    path(f"{_ACCOUNT}/Messages.json", api.messages, name="messages"),
    path(f"{_ACCOUNT}/Messages/<str:sid>.json", api.message, name="message"),
]
