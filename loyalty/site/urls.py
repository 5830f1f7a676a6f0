"""Every address of the site."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from loyalty.site.views import account_manager, client

urlpatterns: list[URLPattern | URLResolver] = [
    path("", client.home, name="home"),
    path("points/", client.points, name="statement"),
    path("points/<int:pk>/", client.why, name="why"),
    path("", include("loyalty.urls")),
    path("", include("rewards.urls")),
    path("", include("accounts.urls")),
    path("am/", account_manager.companies, name="am-companies"),
    path("am/companies/<int:pk>/", account_manager.company, name="am-company"),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("admin/", admin.site.urls),
]

handler404 = "loyalty.site.errors.page_not_found"
