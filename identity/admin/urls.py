"""Addresses."""

from django.urls import path

from identity.admin import views as admin_views

app_name = "identity_admin"
urlpatterns = [
    path("sign-in-methods/", admin_views.sign_in, name="sign_in"),
    path("sign-in-methods/codes/resume/", admin_views.resume_codes, name="resume_codes"),
]
