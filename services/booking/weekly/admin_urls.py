"""Addresses."""

from django.urls import URLPattern, path

from services.booking.effects import admin_views as effect_views
from services.booking.weekly import admin_views

app_name = "booking_admin"
urlpatterns: list[URLPattern] = [
    path("calendars/", admin_views.templates, name="templates"),
    path("calendars/new/<int:provider_id>/", admin_views.new_template, name="new_template"),
    path("calendars/<int:template_id>/", admin_views.template, name="template"),
    path("calendars/<int:template_id>/delete/", admin_views.delete_template, name="delete_template"),
    path("effects/matrix/<slug:service>/", effect_views.matrix, name="effect_of_matrix"),
    path("effects/matrix/<slug:service>/save/", effect_views.check_matrix, name="check_matrix"),
    path("effects/services/<int:provider_id>/", effect_views.provider, name="effect_of_provider"),
    path("effects/services/<int:provider_id>/save/", effect_views.check_provider, name="check_provider"),
    path("effects/absence/save/", effect_views.check_absence, name="check_absence"),
    path("effects/closed-days/save/", effect_views.check_closure, name="check_closure"),
    path("effects/settings/save/", effect_views.check_settings, name="check_settings"),
    path("effects/settings/undo/<int:event_id>/", effect_views.check_undo, name="check_undo"),
]
