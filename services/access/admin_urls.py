"""Addresses of rights."""

from django.urls import path

from services.access import admin_views, special_views

app_name = "access_admin"
urlpatterns = [
    path("services/", admin_views.services, name="services"),
    path("special-rights/", special_views.special, name="special"),
    path("special-rights/reset/", special_views.reset, name="special_reset"),
    path("special-rights/reset/<int:event_id>/undo/", special_views.undo_reset, name="special_undo"),
    path("special-rights/<uuid:patient_id>/", special_views.special_patient, name="special_patient"),
    path("services/<int:provider_id>/", admin_views.provider, name="provider"),
    path("why/", admin_views.explain, name="explain"),
]
