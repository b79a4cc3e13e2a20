"""Addresses of acting for others: nothing in them says for whom, besides the form's own field."""

from django.urls import path

from patients import acting_views

app_name = "acting"
urlpatterns = [
    path("", acting_views.people, name="people"),
    path("begin/", acting_views.begin, name="begin"),
    path("end/", acting_views.end, name="end"),
    path("proxy/end/", acting_views.end_proxy, name="end_proxy"),
]
