"""The public address."""

from django.urls import path

from services.operation import views

urlpatterns = [path("status", views.status, name="status")]
