"""Addresses of the demo's identity providers; the names are the usual ones of OpenID Connect."""

from django.urls import path

from identity.demo_idp import logout_views, saml_views, views

app_name = "demo_idp"
urlpatterns = [
    path("<slug:realm>/.well-known/openid-configuration", views.configuration, name="configuration"),
    path("<slug:realm>/jwks", views.jwks, name="jwks"),
    path("<slug:realm>/par", views.par, name="par"),
    path("<slug:realm>/authorize", views.authorize, name="authorize"),
    path("<slug:realm>/token", views.token, name="token"),
    path("<slug:realm>/end-session", logout_views.end_session, name="end_session"),
    path("<slug:realm>/saml/metadata", saml_views.metadata, name="saml_metadata"),
    path("<slug:realm>/saml/sso", saml_views.sso, name="saml_sso"),
    path("<slug:realm>/saml/slo", saml_views.slo, name="saml_slo"),
    path("<slug:realm>/sessions", logout_views.sessions, name="sessions"),
    path("<slug:realm>/sessions/<uuid:session_id>/end", logout_views.end, name="end"),
]
