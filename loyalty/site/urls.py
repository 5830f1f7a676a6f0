"""Every address of the site."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from loyalty.site.metrics import metrics
from loyalty.site.views import client, mailbox, standing

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", include("loyalty.site.api")),  # first: other systems ask often, and each line above would be tried
    path("", client.home, name="home"),
    path("points/", client.points, name="statement"),
    path("points/<int:pk>/", client.why, name="why"),
    path("earn/", client.earn, name="earn"),
    path("inbox/", client.inbox, name="inbox"),
    path("inbox/read/", client.read_all, name="inbox-read"),
    path("inbox/<int:pk>/open/", client.open_one, name="inbox-open"),
    path("more/", client.more, name="more"),
    path("company/", client.company, name="company"),
    path("company/people/", client.people, name="people"),
    path("company/people/add/", client.add, name="person-add"),
    path("company/people/<int:pk>/", client.person, name="person"),
    path("company/people/<int:pk>/switch/", client.switch, name="person-switch"),
    path("company/people/<int:pk>/invite/", client.invite_person, name="person-invite"),
    path("company/people/<int:pk>/invite/revoke/", client.revoke_invitation, name="person-invite-revoke"),
    path("company/consent/", client.consent, name="consent"),
    path("company/consent/withdraw/", client.withdraw, name="consent-withdraw"),
    path("tier/", standing.tier, name="tier"),
    path("", include("loyalty.urls")),
    path("", include("rewards.urls")),
    path("", include("surveys.urls")),
    path("", include("accounts.urls")),
    path("am/", include("loyalty.site.views.account_manager.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("admin/", admin.site.urls),
    path("metrics", metrics, name="metrics"),
]

if settings.IS_DEMO:
    urlpatterns += [
        path("demo/mail/", mailbox.mails, name="demo-mails"),
        path("demo/mail/<str:name>/", mailbox.mail, name="demo-mail"),
        path("demo/mail/<str:name>/html/", mailbox.html, name="demo-mail-html"),
    ]

handler404 = "loyalty.site.errors.page_not_found"
handler500 = "loyalty.site.errors.server_error"
