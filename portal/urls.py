"""Every address of the product. Other areas are named as strings only.

Words that stand first in an address can't be portal identifiers: clinic_admin.choices.RESERVED_IDENTIFIERS.
"""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language

from portal import health
from portal.audience import public_page

handler400 = "portal.error_pages.bad_request"
handler403 = "portal.error_pages.forbidden"
handler404 = "portal.error_pages.not_found"
handler500 = "portal.error_pages.failure"

urlpatterns: list[URLPattern | URLResolver] = [
    path(  # first, because most come for this; none of the words below is anyone's identifier
        "<portal:clinic>/",
        include(
            [
                path("", include("services.booking.urls")),
                path("", include("services.home.urls")),
                path("", include("identity.urls")),
                path("child/", include("services.registration.child_urls")),
                path("register/", include("services.registration.urls")),
                path("my-details/", include("patients.urls")),
                path("my-people/", include("patients.acting_urls")),
                path("my-page/", include("services.own.urls")),
                path("my-sessions/", include("patients.session_urls")),
                path("earlier/", include("services.booking.earlier.urls")),
                path("guest/", include("services.booking.guests.urls")),
                path("urgent-draw/", include("services.booking.release.urls")),
                path("staff/", include("services.home.staff_urls")),
                path("staff/inbox/", include("services.inbox.staff_urls")),
                path("staff/login-requests/", include("services.registration.staff_urls")),
                path("staff/patients/", include("services.home.patient_urls")),
                path("staff/earlier/", include("services.booking.earlier.staff_urls")),
                path("staff/without-account/", include("services.booking.guests.staff_urls")),
                path("staff/reminders/", include("services.booking.reminders.staff_urls")),
                path("staff/release/", include("services.booking.release.staff_urls")),
                path("staff/desk/", include("services.booking.desk.urls")),
                path("staff/", include("services.booking.staff.staff_urls")),
                path("admin/", include("clinic_admin.admin_urls")),
                path("admin/", include("identity.admin.urls")),
                path("admin/", include("services.access.admin_urls")),
                path("admin/", include("delegation.admin_urls")),
                path("admin/", include("services.booking.weekly.admin_urls")),
                path("admin/", include("services.onboarding.admin_urls")),
                path("admin/", include("services.reports.admin_urls")),
                path("admin/", include("services.operation.admin_urls")),
            ]
        ),
    ),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("", include("services.operation.front_urls")),
    path("language/", public_page(set_language), name="set_language"),
    path("webhooks/", include("notifications.urls")),
    path("sign-in/session/", include("identity.session.urls")),
    path("sign-in/", include("identity.providers.urls")),
    path("staff/", include("identity.staff.urls")),
    path("", include("services.home.front_urls")),
]

if settings.IS_DEVELOPMENT:
    urlpatterns += [
        path("dev/", include("services.home.dev_urls")),
        path("dev/phone/", include("notifications.demo_phone.urls")),
        path("dev/components/", include("portal.look.urls")),
        path("demo-sms/", include("notifications.demo_sms.urls")),
        path("demo-idp/", include("identity.demo_idp.urls")),
    ]
