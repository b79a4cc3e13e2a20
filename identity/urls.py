"""Patients' way in and out, below a clinic's address."""

from django.urls import path

from identity import views

app_name = "identity"
urlpatterns = [
    path("sign-in/<slug:provider>/", views.sign_in, name="sign_in"),
    path("sign-in/<slug:provider>/again/", views.step_up, name="step_up"),
    path("prove-again/", views.prove_again, name="prove_again"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("signed-out/", views.signed_out, name="signed_out"),
]
