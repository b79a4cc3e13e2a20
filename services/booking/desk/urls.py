"""Addresses of the desk. They name patients by their own ids, never by numbers or names."""

from django.urls import path

from services.booking.desk import block_views, book_views, calendar_views, mark_views, move_views

app_name = "desk"
urlpatterns = [
    path("week/", calendar_views.week, name="week"),
    path("book/", book_views.choose_patient, name="book"),
    path("book/<uuid:patient_id>/", book_views.book, name="book_patient"),
    path("block/", block_views.block, name="block"),
    path("blocked/<int:block_id>/", block_views.blocked, name="blocked"),
    path("appointments/<uuid:appointment_id>/move/", move_views.move, name="move"),
    path("appointments/<uuid:appointment_id>/attendance/", mark_views.mark, name="mark"),
]
