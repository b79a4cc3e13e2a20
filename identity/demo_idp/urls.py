"""Addresses of the demo's identity providers; the names are the usual ones of OpenID Connect."""

from django.urls import path

from identity.demo_idp import views

app_name = "demo_idp"
urlpatterns = [
    path("<slug:realm>/.well-known/openid-configuration", views.configuration, name="configuration"),
    path("<slug:realm>/jwks", views.jwks, name="jwks"),
    path("<slug:realm>/par", views.par, name="par"),
    path("<slug:realm>/authorize", views.authorize, name="authorize"),
    path("<slug:realm>/token", views.token, name="token"),
    path("<slug:realm>/end-session", views.end_session, name="end_session"),
]
