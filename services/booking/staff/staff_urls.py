"""Addresses."""

from django.urls import URLPattern, path

from services.booking.absences import staff_views as absence_views
from services.booking.staff import staff_views

app_name = "booking_staff"
urlpatterns: list[URLPattern] = [
    path("calendar/", staff_views.calendar, name="calendar"),
    path("waiting/", staff_views.waiting, name="waiting"),
    path("appointments/<uuid:appointment_id>/", staff_views.appointment, name="appointment"),
    path("appointments/<uuid:appointment_id>/decision/", staff_views.decide, name="decide"),
    path("absences/<int:absence_id>/", absence_views.absence, name="absence"),
    path(
        "absences/<int:absence_id>/appointments/<uuid:appointment_id>/",
        absence_views.answer,
        name="answer_absence",
    ),
]
