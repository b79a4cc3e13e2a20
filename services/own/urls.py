"""Addresses of the patient's own view, below my-page/."""

from django.urls import path

from services.own import data_views, leave_views, views

app_name = "own"
urlpatterns = [
    path("", views.page, name="page"),
    path("who/", views.log, name="log"),
    path("sign-ins/", views.sign_ins, name="sign_ins"),
    path("ways-in/", views.ways_in, name="ways_in"),
    path("clinics/", views.clinics, name="clinics"),
    path("data/", data_views.data, name="data"),
    path("data/file/", data_views.file, name="file"),
    path("leave/", leave_views.leave, name="leave"),
    path("left/", leave_views.left, name="left"),
]
