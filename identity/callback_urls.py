"""Where identity providers send browsers back to. These addresses are registered with them."""

from django.urls import path

from identity import views

urlpatterns = [path("<slug:provider>/callback/", views.callback, name="identity_callback")]
