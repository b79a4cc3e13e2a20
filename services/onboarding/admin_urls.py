"""Addresses."""

from django.urls import path

from services.onboarding import admin_views, leaving_views, wizard_views

app_name = "onboarding_admin"
urlpatterns = [
    path("staff/", admin_views.staff, name="staff"),
    path("staff/new/", wizard_views.start, name="start"),
    path("staff/new/<uuid:new_staff_id>/", wizard_views.go_on, name="go_on"),
    path("staff/new/<uuid:new_staff_id>/discard/", wizard_views.discard, name="discard"),
    path("staff/new/<uuid:new_staff_id>/<slug:name>/", wizard_views.step, name="step"),
    path("staff/resets/<uuid:reset_id>/confirm/", admin_views.confirm_reset, name="confirm_reset"),
    path("staff/resets/<uuid:reset_id>/withdraw/", admin_views.withdraw_reset, name="withdraw_reset"),
    path("staff/providers/<int:provider_id>/", admin_views.provider, name="provider_person"),
    path("staff/providers/<int:provider_id>/leave/", leaving_views.leave, name="provider_leave"),
    path("staff/providers/<int:provider_id>/stay/", leaving_views.stay, name="provider_stay"),
    path("staff/providers/<int:provider_id>/back/", leaving_views.back, name="provider_back"),
    path("staff/<int:member_id>/", admin_views.person, name="person"),
    path("staff/<int:member_id>/link/", admin_views.link, name="link"),
    path("staff/<int:member_id>/second-factor/", admin_views.request_reset, name="request_reset"),
    path("staff/<int:member_id>/leave/", leaving_views.leave, name="leave"),
    path("staff/<int:member_id>/stay/", leaving_views.stay, name="stay"),
    path("staff/<int:member_id>/back/", leaving_views.back, name="back"),
]
