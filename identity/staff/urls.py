"""Staff's way in and out. The names without an area are those by which allauth knows its own pages."""

from django.urls import include, path

from identity.staff import link_views, security_views, views

_own = [
    path("", views.landing, name="landing"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("signed-out/", views.signed_out, name="signed_out"),
    path("sign-in-again/", views.sign_out_first, name="sign_out_first"),
    path("welcome/", link_views.choose_password, name="choose_password"),
    path("welcome/<str:token>/", link_views.welcome, name="welcome"),
    path("forgotten/", link_views.forgotten, name="forgotten"),
    path("forgotten/sent/", link_views.forgotten_sent, name="forgotten_sent"),
    path("new-password/", link_views.choose_new_password, name="choose_new_password"),
    path("new-password/<str:token>/", link_views.new_password_link, name="new_password"),
    path("security/password/", security_views.own_password, name="own_password"),
    path("security/code-app/remove/", security_views.remove_code_app, name="remove_code_app"),
    path("security/passkeys/<int:passkey_id>/", security_views.rename_passkey, name="rename_passkey"),
    path("security/passkeys/<int:passkey_id>/remove/", security_views.remove_passkey, name="remove_passkey"),
]

urlpatterns = [
    path("", include((_own, "identity_staff"))),
    path("sign-in/", views.sign_in, name="account_login"),
    path("sign-in/code/", views.code, name="mfa_authenticate"),
    path("sign-in/closed/", views.closed, name="account_inactive"),
    path("second-factor/", security_views.set_up, name="mfa_activate_totp"),
    path("security/", security_views.security, name="mfa_index"),
    path("security/code/", security_views.prove_again, name="mfa_reauthenticate"),
    path("security/passkeys/new/", security_views.new_passkey, name="mfa_add_webauthn"),
    path("security/recovery-codes/", security_views.recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "security/recovery-codes/new/", security_views.new_recovery_codes, name="mfa_generate_recovery_codes"
    ),
    path("security/sessions/", views.my_sessions, name="usersessions_list"),
]
