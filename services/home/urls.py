"""The patient's way in and start page."""

from django.urls import path

from services.home import code_views, public_views, service_views, views

app_name = "home"
urlpatterns = [
    path("signed-in/", views.signed_in, name="signed_in"),
    path("start/", views.start, name="start"),
    path("e-consultation/", service_views.consultation, name="consultation"),
    path("renewal/", service_views.renewal, name="renewal"),
    path("about/", public_views.about, name="about"),
    path("help/", public_views.help_page, name="help"),
    path("questions/", public_views.faq, name="faq"),
    path("sign-in/code/", code_views.sign_in, name="code_sign_in"),
    path("sign-in/code/enter/", code_views.enter, name="code_enter"),
    path("sign-in/code/again/", code_views.again, name="code_again"),
    path("sign-in/code/forgotten/", code_views.forgotten, name="code_forgotten"),
    path("sign-in/code/forgotten/sent/", code_views.forgotten_sent, name="code_forgotten_sent"),
    path("sign-in/code/password/", code_views.password, name="code_password"),
    path("sign-in/code/link/<str:token>/", code_views.link, name="code_link"),
]
