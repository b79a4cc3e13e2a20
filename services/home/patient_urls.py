"""Addresses of the staff's pages about patients. A patient is named by id only; the search is posted."""

from django.urls import path

from services.home import account_views, as_patient_views, guardian_views, patient_views

app_name = "patients_staff"
urlpatterns = [
    path("", patient_views.patients, name="list"),
    path("<uuid:patient_id>/", patient_views.general, name="patient"),
    path("<uuid:patient_id>/national-id/", patient_views.national_id, name="national_id"),
    path("<uuid:patient_id>/contact/", patient_views.contact, name="contact"),
    path("<uuid:patient_id>/guardians/", guardian_views.guardians, name="guardians"),
    path("<uuid:patient_id>/guardians/add/", guardian_views.add, name="guardian_add"),
    path("<uuid:patient_id>/guardians/change/", guardian_views.change, name="guardian_change"),
    path("<uuid:patient_id>/guardians/proxy/", guardian_views.add_proxy, name="proxy_add"),
    path("<uuid:patient_id>/portal/", patient_views.portal, name="portal"),
    path("<uuid:patient_id>/portal/access/", patient_views.portal_access, name="portal_access"),
    path("<uuid:patient_id>/portal/as-patient/", as_patient_views.as_patient, name="as_patient"),
    path(
        "<uuid:patient_id>/portal/as-patient/<slug:part>/",
        as_patient_views.as_patient,
        name="as_patient_part",
    ),
    path("<uuid:patient_id>/portal/account/", account_views.account, name="account"),
    path("<uuid:patient_id>/appointments/", patient_views.appointments, name="appointments"),
    path("<uuid:patient_id>/history/", patient_views.history, name="history"),
]
