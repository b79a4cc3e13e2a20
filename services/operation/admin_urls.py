"""Addresses."""

from django.urls import path

from services.operation import admin_views

app_name = "operation_admin"
urlpatterns = [path("operation/", admin_views.operation, name="operation")]
