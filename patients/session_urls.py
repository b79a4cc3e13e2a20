"""Address of one's own sessions."""

from django.urls import path

from patients import session_views

app_name = "my_sessions"
urlpatterns = [path("", session_views.sessions, name="list")]
