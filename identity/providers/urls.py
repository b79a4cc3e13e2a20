"""Where identity providers send browsers back to. These addresses are registered with them."""

from django.urls import path

from identity import views
from identity.providers import logout_views
from identity.saml import views as saml_views

urlpatterns = [
    path("<slug:provider>/callback/", views.callback, name="identity_callback"),
    path("<slug:provider>/logged-out/", logout_views.logged_out, name="identity_logged_out"),
    path("<slug:provider>/back-channel/", logout_views.back_channel, name="identity_back_channel"),
    path("<slug:idp>/acs/", saml_views.acs, name="identity_acs"),
    path("<slug:idp>/slo/", saml_views.slo, name="identity_slo"),
    path("<slug:idp>/metadata/", saml_views.metadata, name="identity_saml_metadata"),
    path("<slug:idp>/finish/<uuid:sign_in_id>/", saml_views.finish, name="identity_finish"),
    path("<slug:idp>/leave/<uuid:logout_id>/", logout_views.leave, name="identity_leave"),
]
