"""Addresses."""

from django.urls import URLPattern, path

from services.booking import admin_views

app_name = "booking_admin"
urlpatterns: list[URLPattern] = [
    path("calendars/", admin_views.templates, name="templates"),
    path("calendars/new/<int:provider_id>/", admin_views.new_template, name="new_template"),
    path("calendars/<int:template_id>/", admin_views.template, name="template"),
    path("calendars/<int:template_id>/delete/", admin_views.delete_template, name="delete_template"),
]
