"""Settings, from the environment. Without DATABASE_URL this is a demo on the embedded PostgreSQL, on loopback only."""

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import django_stubs_ext
import environ
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from loyalty.site import embedded_postgres
from loyalty.site.keys import WeakSettingError, secret, secret_list
from loyalty.site.logs import logging_settings

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()

IS_DEMO = not env.str("DATABASE_URL", "")
DATA_DIR = embedded_postgres.home() if IS_DEMO else None

DEBUG = False
SECRET_KEY = secret("SECRET_KEY", folder=DATA_DIR and DATA_DIR / "keys")
FIELD_KEYS = secret_list("FIELD_KEYS", folder=DATA_DIR and DATA_DIR / "keys")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if IS_DEMO else [])
if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
    raise WeakSettingError("ALLOWED_HOSTS is not set: name the hosts that people reach this installation by.")
CSRF_FAILURE_VIEW = "loyalty.site.errors.form_expired"
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS]
IS_SECURE = env.bool("TWOFOLD_HTTPS", default=not IS_DEMO)
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_SECURE else None
SECURE_HSTS_SECONDS = 31_536_000 if IS_SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_SECURE
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_AGE = 12 * 60 * 60

INSTALLED_APPS = [
    "loyalty.site.apps.SiteConfig",
    "surveys.apps.SurveysConfig",
    "rewards.apps.RewardsConfig",
    "loyalty.apps.LoyaltyConfig",
    "accounts.apps.AccountsConfig",
    "loyalty.site.apps.TwofoldAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.idp.oidc",
    "rest_framework",
    "drf_spectacular",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django_htmx",
    "csp",
    "pgtrigger",
    "simple_history",
    "django_structlog",
]

MIDDLEWARE = [
    "loyalty.site.health.HealthMiddleware",
    "loyalty.site.logs.RequestLogMiddleware",
    "loyalty.site.metrics.MetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "loyalty.site.layers.PolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "loyalty.site.layers.ApiMiddleware",  # the API needs none of what stands below
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "accounts.middleware.ActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.reauthentication.DownloadMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
ROOT_URLCONF = "loyalty.site.urls"
WSGI_APPLICATION = "loyalty.site.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "loyalty.site.shell.shell",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]

DATABASES: dict[str, dict[str, Any]] = {
    "default": embedded_postgres.database_settings() if IS_DEMO else env.db_url("DATABASE_URL")
}
DATABASES["default"]["CONN_MAX_AGE"] = 600
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
# A statement that is planned once is not planned again for the values of each call: for few rows that costs more than
# it saves. What is to be planned for its very values is sent with them, and unaffected.
DATABASES["default"]["OPTIONS"]["options"] = " ".join(
    [DATABASES["default"]["OPTIONS"].get("options", ""), "-c plan_cache_mode=force_generic_plan"]
).strip()
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise WeakSettingError("DATABASE_URL must name a PostgreSQL database: postgres://user:password@host/name.")
DATABASES["default"]["ENGINE"] = "loyalty.site.postgresql"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # e-mail is unique whatever its capitals: a constraint that the check misses
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_MAX_EMAIL_ADDRESSES = 1  # the login is given: somebody who could add addresses could take another's
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 5 * 60  # so long after showing who one is, one is not asked again
SOCIALACCOUNT_ADAPTER = "accounts.sign_on_provider.SignOnAdapter"
SIGN_ON_PRIVATE_HOSTS: list[str] = env.list(
    "SIGN_ON_PRIVATE_HOSTS", default=["127.0.0.1", "localhost"] if IS_DEMO else []
)
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", default=1 if IS_SECURE else 0)
MFA_ADAPTER = "accounts.adapter.MFAAdapter"
MFA_FORMS = {"add_webauthn": "accounts.login_forms.PasskeyForm"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Twofold"
MFA_TOTP_TOLERANCE = 1  # a telephone's clock may be half a minute off
ACCOUNT_MANAGERS_NEED_SECOND_FACTOR = env.bool("TWOFOLD_ACCOUNT_MANAGERS_NEED_SECOND_FACTOR", default=True)
LOGINS_OF_THE_DEMO: frozenset[str] = (
    frozenset(f"{name}@demo.example" for name in ("manager", "approver", "account", "ingrid"))
    if IS_DEMO
    else frozenset()
)
"""The demo's own people, who need no second factor on its own machine; the pages say so. Elsewhere there are none."""
EMAIL_BACKEND = "loyalty.site.mailbox.MailboxBackend" if IS_DEMO else "django.core.mail.backends.smtp.EmailBackend"
MAILBOX = DATA_DIR and DATA_DIR / "mail"  # where the demo keeps the e-mails that it would have sent
if not IS_DEMO:
    globals().update(env.email_url("EMAIL_URL", default="smtp://localhost:25"))
EMAIL_TIMEOUT = 20
SITE_ADDRESS = env.str(
    "SITE_ADDRESS",
    f"http://127.0.0.1:{env.str('TWOFOLD_PORT', '') or '8000'}"
    if IS_DEMO
    else f"https://{ALLOWED_HOSTS[0].strip('.')}",
).rstrip("/")  # what links in e-mails begin with
MAIL_HOOK_SECRET = (  # without one nobody can report what came back
    secret("MAIL_HOOK_SECRET", folder=DATA_DIR and DATA_DIR / "keys")
    if IS_DEMO or env.str("MAIL_HOOK_SECRET", "")
    else ""
)
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", f"Twofold <no-reply@{urlsplit(SITE_ADDRESS).hostname}>")

# Work is rows; the broker carries hints that there is some. The demo's broker is a folder.
CELERY_BROKER_URL = "filesystem://localhost" if IS_DEMO else env.str("CELERY_BROKER_URL", "")
if not IS_DEMO and not CELERY_BROKER_URL.startswith(("redis:", "rediss:", "sentinel:", "amqp:", "amqps:")):
    raise WeakSettingError(
        "CELERY_BROKER_URL is not set: name the Redis (redis://host:6379/0) or RabbitMQ (amqp://user:password@host//) "
        "that wakes the workers."
    )
CELERY_TASK_DEFAULT_QUEUE = env.str("TWOFOLD_QUEUE", "twofold")  # installations that share a broker need one each
IDP_OIDC_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]
IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN = 60 * 60
REST_FRAMEWORK: dict[str, Any] = {
    # A view that forgot to rest on accounts.api.views.ApiView is closed, not open.
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "accounts.api.schema.Schema",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Twofold",
    "DESCRIPTION": "Activities in, points and standing out. Begin at /api/, where the first call is explained.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["accounts.api.schema.describe_problems"],
}

# All processes must share what counts attempts to sign in, or each gives a guesser tries of its own; requests of the
# API are counted against haste only, for which a row each would be dear.
CACHES: dict[str, dict[str, Any]] = (
    {name: env.cache_url("CACHE_URL") for name in ("default", "requests")}
    if env.str("CACHE_URL", "")
    else {
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "accounts_cache",
            "OPTIONS": {"MAX_ENTRIES": 20_000},
        },
        "requests": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    }
)
try:
    CLOCK = ZoneInfo(env.str("TWOFOLD_TIME_ZONE", "UTC"))  # nightly work comes in its night
except (KeyError, ValueError, OSError) as error:
    raise WeakSettingError("TWOFOLD_TIME_ZONE must name a time zone: Europe/Berlin, for example.") from error

WEBHOOK_PRIVATE_HOSTS: list[str] = env.list(
    "WEBHOOK_PRIVATE_HOSTS", default=["127.0.0.1", "localhost"] if IS_DEMO else []
)
WEBHOOK_DAYS_KEPT: int = env.int("WEBHOOK_DAYS_KEPT", default=90)

LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", _("English")),
    ("ja", _("Japanese")),
    ("id", _("Indonesian")),
    ("ar", _("Arabic")),
    ("zh-hans", _("Chinese")),
    ("ko", _("Korean")),
]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"
USE_TZ = True
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = ["loyalty.site.formats"]

FILE_UPLOAD_HANDLERS = [
    "accounts.uploads.LimitedUploads",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
MESSAGES_KEPT_DAYS = env.int("MESSAGES_KEPT_DAYS", default=730)
MAILS_KEPT_DAYS = env.int("MAILS_KEPT_DAYS", default=90)
FILES_KEPT_DAYS = env.int("FILES_KEPT_DAYS", default=30)
if FILES_KEPT_DAYS < 1:
    raise WeakSettingError("FILES_KEPT_DAYS is less than 1: nobody could fetch a file that was made for them.")

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = (DATA_DIR or BASE_DIR) / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    },
}

LOGGING = logging_settings(as_json=not IS_DEMO)
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_USER_ID_FIELD = "pk"

METRICS_TOKEN = env.str("METRICS_TOKEN", "")
if METRICS_TOKEN and len(METRICS_TOKEN) < 30:
    raise WeakSettingError("METRICS_TOKEN is too weak: give it at least 30 random characters, or none for no metrics.")

ERASURE_DAYS = env.int("ERASURE_DAYS", 7)  # how long somebody who asks to be forgotten may think again
