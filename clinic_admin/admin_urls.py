"""Addresses."""

from django.urls import path

from clinic_admin import admin_views

app_name = "clinic_admin"
urlpatterns = [
    path("", admin_views.overview, name="overview"),
    path("clinic/", admin_views.clinic, name="clinic"),
    path("clinic/opening-hours/", admin_views.opening_hours, name="opening_hours"),
    path("clinic/closed-days/", admin_views.add_closure, name="add_closure"),
    path("clinic/closed-days/<int:closure_id>/remove/", admin_views.remove_closure, name="remove_closure"),
    path("clinic/portal/", admin_views.switch_portal, name="switch_portal"),
]
