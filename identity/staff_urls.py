"""Staff's way in and out. The names without an area are those by which allauth knows its own pages."""

from django.urls import include, path

from identity import staff_link_views as link_views
from identity import staff_views as views

_own = [
    path("", views.landing, name="landing"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("signed-out/", views.signed_out, name="signed_out"),
    path("sign-in-again/", views.sign_out_first, name="sign_out_first"),
    path("welcome/", link_views.choose_password, name="choose_password"),
    path("welcome/<str:token>/", link_views.welcome, name="welcome"),
]

urlpatterns = [
    path("", include((_own, "identity_staff"))),
    path("sign-in/", views.sign_in, name="account_login"),
    path("security/", views.security, name="mfa_index"),
    path("sign-in/code/", views.code, name="mfa_authenticate"),
    path("sign-in/closed/", views.closed, name="account_inactive"),
    path("second-factor/", views.set_up, name="mfa_activate_totp"),
    path("security/code/", views.prove_again, name="mfa_reauthenticate"),
    path("security/recovery-codes/", views.recovery_codes, name="mfa_view_recovery_codes"),
    path("security/recovery-codes/new/", views.new_recovery_codes, name="mfa_generate_recovery_codes"),
    path("security/sessions/", views.my_sessions, name="usersessions_list"),
]
