"""Addresses of the patient's pages."""

from django.urls import path

from services.booking import moving_views, urgent_views, views
from services.booking.reminders import views as reminder_views

app_name = "booking"
urlpatterns = [
    path("book/", views.find, name="find"),
    path("book/first-urgent/", urgent_views.any_urgent, name="any_urgent"),
    path("book/<int:slot>/", views.book, name="book"),
    path("book/<int:slot>/nearest/", views.nearest, name="nearest"),
    path("appointments/", views.appointments, name="appointments"),
    path("appointments/<uuid:appointment>/", views.appointment, name="appointment"),
    path("appointments/<uuid:appointment>/cancellation/", views.cancel, name="cancel"),
    path("appointments/<uuid:appointment>/reminder/", reminder_views.turn, name="reminder"),
    path("appointments/<uuid:appointment>/move/", moving_views.move_find, name="move"),
    path("appointments/<uuid:appointment>/move/<int:slot>/", moving_views.move_to, name="move_to"),
    path("appointments/<uuid:appointment>/appointment.ics", views.calendar_file, name="calendar_file"),
]
