"""Addresses of the ground floor."""

from django.urls import path

from accounts import draft_views, file_views, job_views, join_views, privacy_views, views
from accounts.mail import views as mail_views

urlpatterns = [
    path("me/", views.me, name="me"),
    path("me/privacy/", privacy_views.privacy, name="privacy"),
    path("me/privacy/export/", privacy_views.export, name="privacy-export"),
    path("me/privacy/erase/", privacy_views.erase, name="privacy-erase"),
    path("me/privacy/stay/", privacy_views.stay, name="privacy-stay"),
    path("language/", views.set_language, name="set_language"),
    path("see-as/<int:pk>/", views.see_as, name="see-as"),
    path("files/<int:pk>/", file_views.download, name="file"),
    path("drafts/", draft_views.keep, name="draft-keep"),
    path("drafts/discard/", draft_views.discard, name="draft-discard"),
    path("join/<str:token>/", join_views.join, name="join"),
    path("me/e-mails/", mail_views.try_again, name="mail-try-again"),
    path("hooks/mail/", mail_views.take_report, name="mail-report"),
    path("unsubscribe/<str:token>/", mail_views.unsubscribe, name="unsubscribe"),
    path("jobs/<int:pk>/", job_views.job, name="job"),
    path("jobs/<int:pk>/progress/", job_views.progress, name="job-progress"),
    path("jobs/<int:pk>/cancel/", job_views.cancel, name="job-cancel"),
    path("see-as/stop/", views.stop_seeing_as, name="see-as-stop"),
]
