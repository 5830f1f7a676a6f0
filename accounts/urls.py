"""Addresses of the ground floor."""

from django.urls import path

from accounts import (
    draft_views,
    file_views,
    job_views,
    join_views,
    login_views,
    privacy_views,
    second_factor_views,
    sign_on_views,
    views,
)
from accounts.mail import views as mail_views

urlpatterns = [
    path("me/", views.me, name="me"),
    path("me/privacy/", privacy_views.privacy, name="privacy"),
    path("me/privacy/export/", privacy_views.export, name="privacy-export"),
    path("me/privacy/erase/", privacy_views.erase, name="privacy-erase"),
    path("me/privacy/stay/", privacy_views.stay, name="privacy-stay"),
    path("me/sessions/", login_views.open_sessions, name="login-sessions"),
    path("me/sessions/<int:pk>/end/", login_views.end_session, name="login-session-end"),
    path("me/second-factor/", second_factor_views.second_factor, name="login-second-factor"),
    path("accounts/company/", sign_on_views.company, name="login-company"),
    path("accounts/company/again/", sign_on_views.again, name="login-company-again"),
    path("accounts/company/<str:provider_id>/", sign_on_views.start, name="login-company-start"),
    path("accounts/company/<str:provider_id>/back/", sign_on_views.callback, name="openid_connect_callback"),
    path("accounts/2fa/totp/activate/", second_factor_views.ActivateTOTP.as_view(), name="mfa_activate_totp"),
    path("accounts/2fa/webauthn/add/", second_factor_views.AddPasskey.as_view(), name="mfa_add_webauthn"),
    path("language/", views.set_language, name="set_language"),
    path("see-as/<int:pk>/", views.see_as, name="see-as"),
    path("files/<int:pk>/", file_views.download, name="file"),
    path("files/asked-for/", file_views.fetch, name="download"),
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
