"""Addresses of rights."""

from django.urls import path

from services.access import admin_views

app_name = "access_admin"
urlpatterns = [
    path("services/", admin_views.services, name="services"),
    path("services/<int:provider_id>/", admin_views.provider, name="provider"),
    path("services/preview/<slug:service>/", admin_views.preview, name="preview"),
    path("why/", admin_views.explain, name="explain"),
]
