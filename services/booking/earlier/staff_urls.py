"""Address of the staff's page of earlier times."""

from django.urls import path

from services.booking.earlier import staff_views

app_name = "earlier_staff"
urlpatterns = [path("", staff_views.waiting, name="waiting")]
