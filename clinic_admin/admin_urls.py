"""Addresses."""

from django.urls import path

from clinic_admin import admin_search_views, admin_text_views, admin_views

app_name = "clinic_admin"
urlpatterns = [
    path("", admin_views.overview, name="overview"),
    path("search/", admin_search_views.search, name="search"),
    path("clinic/", admin_views.clinic, name="clinic"),
    path("clinic/opening-hours/", admin_views.opening_hours, name="opening_hours"),
    path("clinic/closed-days/", admin_views.add_closure, name="add_closure"),
    path("clinic/closed-days/<int:closure_id>/remove/", admin_views.remove_closure, name="remove_closure"),
    path("clinic/portal/", admin_views.switch_portal, name="switch_portal"),
    path("clinic/identifier/", admin_views.identifier, name="identifier"),
    path("undo/<int:event_id>/", admin_views.undo, name="undo"),
    path("about/", admin_text_views.first_about, name="first_about"),
    path("about/<slug:language>/", admin_text_views.about, name="about"),
    path("guidance/", admin_text_views.first_guidance, name="first_guidance"),
    path("guidance/<slug:service>/<slug:language>/", admin_text_views.guidance, name="guidance"),
    path("templates/", admin_text_views.templates, name="templates"),
    path("templates/rejected/<slug:language>/", admin_text_views.rejected, name="rejected"),
    path("templates/signatures/<int:provider_id>/", admin_text_views.signature, name="signature"),
]
