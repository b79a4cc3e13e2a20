"""Addresses of the service matrix and of absences."""

from django.urls import path

from delegation import admin_views

app_name = "delegation_admin"
urlpatterns = [
    path("matrix/", admin_views.first_matrix, name="matrix"),
    path("matrix/<slug:service>/", admin_views.matrix, name="matrix"),
    path("absences/", admin_views.absences, name="absences"),
    path("absences/<int:absence_id>/remove/", admin_views.remove_absence, name="remove_absence"),
]
