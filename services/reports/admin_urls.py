"""Addresses."""

from django.urls import path

from services.reports import admin_views, paid_views

app_name = "reports_admin"
urlpatterns = [
    path("log/patients/", admin_views.patients, name="patients"),
    path("log/patients/search/", admin_views.search, name="search"),
    path("log/patients/file/", admin_views.file, name="file"),
    path("log/patients/<uuid:patient_id>/national-id/", admin_views.national_id, name="national_id"),
    path("log/reminders/", paid_views.reminders, name="paid_reminders"),
    path("log/reminders/file/", paid_views.file, name="paid_reminders_file"),
    path("log/changes/", admin_views.changes, name="changes"),
]
