"""Addresses of the service matrix, of absences and of message delegation."""

from django.urls import path

from delegation import admin_views

app_name = "delegation_admin"
urlpatterns = [
    path("matrix/", admin_views.first_matrix, name="matrix"),
    path("matrix/<slug:service>/", admin_views.matrix, name="matrix"),
    path("matrix/<slug:service>/undo/", admin_views.undo_matrix, name="undo_matrix"),
    path("absences/", admin_views.absences, name="absences"),
    path("absences/<int:absence_id>/remove/", admin_views.remove_absence, name="remove_absence"),
    path("messages/", admin_views.message_delegation, name="messages"),
]
