"""All settings, in one file. Differences between installations come from the environment; see .env.example."""

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from portal import env

ROOT = Path(__file__).resolve().parent.parent
VERSION = (ROOT / "VERSION").read_text().strip()

ENVIRONMENT = env.choice("VENTEROM_ENV", ["production", "demo", "test"], "production")
IS_DEVELOPMENT = ENVIRONMENT in {"demo", "test"}
"""Demo identity providers, the phone page and the people list exist only here."""

DEBUG = False
BASE_URL = env.web_address("BASE_URL", "http://localhost:8000" if IS_DEVELOPMENT else None)
IS_HTTPS = BASE_URL.startswith("https://")

# -- secrets -----------------------------------------------------------------------------------------------
SECRET_KEY = env.text("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
FIELD_KEYS = env.keys("FIELD_KEYS")
"""Keys of encrypted columns; the first encrypts, all of them decrypt."""
VENDOR_SECRET = env.text("VENDOR_SECRET", f"vendor:{SECRET_KEY}" if IS_DEVELOPMENT else "")
"""What day passwords are derived from. Without it no clinic can change its portal identifier."""
INDEX_KEY = env.text(
    "INDEX_KEY", hashlib.sha256(f"index:{SECRET_KEY}".encode()).hexdigest() if IS_DEVELOPMENT else None
).encode()
"""Key of the hash by which a national ID is found. It can't be changed without rebuilding the index."""

# -- the web -----------------------------------------------------------------------------------------------
ALLOWED_HOSTS = env.words(
    "ALLOWED_HOSTS",
    "localhost,127.0.0.1,[::1],testserver" if IS_DEVELOPMENT else (urlsplit(BASE_URL).hostname or ""),
)
CSRF_TRUSTED_ORIGINS = [BASE_URL]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
APPEND_SLASH = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
"""A service matrix of 60 providers sends one field for each tick."""

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "django_htmx",
    "template_partials",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "portal",
    "clinic_admin",
    "notifications",
    "identity",
    "patients",
    "delegation",
    "services.access",
    "services.booking",
    "services.home",
    "services.inbox",
    "services.registration",
    "services.onboarding",
    "services.own",
    "services.operation",
    "services.reports",
]
if IS_DEVELOPMENT:
    INSTALLED_APPS += ["identity.demo_idp"]

MIDDLEWARE = [
    "portal.middleware.RequestIdMiddleware",
    "portal.middleware.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.middleware.UnavailableMiddleware",
    "portal.middleware.NulMiddleware",
    "services.booking.at_the_door.NothingLeftMiddleware",
    "patients.arrival.ArrivalMiddleware",
    "identity.session.cookie.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "identity.middleware.SessionLimitsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.middleware.NotAllowedMiddleware",
    "portal.middleware.AudienceMiddleware",
    "clinic_admin.middleware.ClinicMiddleware",
    "identity.middleware.KeptFormsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.page",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "template_partials.templatetags.partials",
                "portal.templatetags.addresses",
                "portal.templatetags.look",
                "portal.templatetags.moments",
                "portal.templatetags.phones",
                "portal.templatetags.readers",
            ],
        },
    }
]
FORM_RENDERER = "portal.look.renderer.HouseRenderer"

# -- the database: the only truth --------------------------------------------------------------------------
STATEMENT_TIMEOUT_MS = env.number("STATEMENT_TIMEOUT_MS", 10_000, least=1_000, most=3_600_000)
"""So long a statement may take; a transaction may lie idle three times as long."""
DATABASES = {
    "default": {
        **env.database("DATABASE_URL"),
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "options": (
                f"-c lock_timeout=3s -c statement_timeout={STATEMENT_TIMEOUT_MS}"
                f" -c idle_in_transaction_session_timeout={3 * STATEMENT_TIMEOUT_MS}"
            ),
            # What is asked often, Postgres reads and plans once for each connection (docs/developers/performance.md).
            "server_side_binding": True,
            "prepare_threshold": 5,
        },
        "TEST": {"NAME": env.text("TEST_DATABASE", "test_venterom")},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Marks of used codes and counters of wrong passwords: shared by all processes, kept when Redis is flushed.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "identity_cache",
        "KEY_FUNCTION": "identity.cache_keys.hashed",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# -- sessions and sign-in ----------------------------------------------------------------------------------
SAML_ARCHIVE_DAYS = env.number("SAML_ARCHIVE_DAYS", 180, least=1, most=3650)
"""So long signed SAML messages are kept; NemLog-in asks for 180 days."""
# Sessions live in Postgres: a flushed Redis neither signs everybody out nor resets a counter.
SESSION_ENGINE = "identity.session.store"
SESSION_COOKIE_NAME = "__Host-sid" if IS_HTTPS else "sid"
SESSION_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 24 * 60 * 60
"""So long after its last use the browser's session is known, so that what stood on a page is kept (ADR 8). For how long
anybody is signed in, the clocks decide (identity.session.clock)."""
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_NAME = "__Host-csrf" if IS_HTTPS else "csrf"
CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "identity.csrf.failure"
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = IS_HTTPS
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

AUTH_USER_MODEL = "identity.User"
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # e-mail is unique without regard to case, by constraint
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "identity.backends.PatientBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "identity.staff.password_rules.LongEnough", "OPTIONS": {"min_length": 12}},
    {"NAME": "identity.staff.password_rules.NotCommon"},
    {"NAME": "identity.staff.password_rules.NotPersonal"},
    {"NAME": "identity.staff.password_rules.NotLikeTheirs"},
]
LOGIN_URL = "/staff/sign-in/"
LOGIN_REDIRECT_URL = "/staff/"
SECOND_FACTOR_URL = "/staff/second-factor/"
"""Where staff without a second factor set one up."""
SECOND_FACTOR_MARK = "second_factor_at"
"""Session key under which staff sign-in notes when the second factor was shown last, in seconds since 1970."""
PROVE_AGAIN = "identity.staff.prove_again.page_before"
"""Who asks for the second factor once more before a dangerous act; see portal.proof."""

ACCOUNT_ADAPTER = "identity.staff.adapter.StaffAccountAdapter"
ACCOUNT_FORMS = {"login": "identity.staff.forms.StaffLoginForm"}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_BY_CODE_ENABLED = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "30/5m/ip,5/5m/key",
    "reauthenticate": "10/m/user",
}
"""A clinic's staff share one address. The key is the e-mail address, or the user at the second factor."""
SHARED_NETWORKS = env.networks("SHARED_NETWORKS")
"""From where many people come with one address, as a clinic's own: there limits per address are ten times as high."""
SIGN_INS_PER_MINUTE = env.number("SIGN_INS_PER_MINUTE", 6_000, least=60, most=1_000_000)
"""How many eID sign-ins may begin in the whole installation; and as many tries of passwords."""
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if env.flag("BEHIND_PROXY", default=False) else 0
MFA_ADAPTER = "identity.staff.adapter.StaffMfaAdapter"
MFA_FORMS = {
    "activate_totp": "identity.staff.forms.FirstCodeForm",
    "authenticate": "identity.staff.forms.CodeForm",
    "reauthenticate": "identity.staff.forms.CodeAgainForm",
    "add_webauthn": "identity.staff.passkey_forms.NewPasskeyForm",
    "authenticate_webauthn": "identity.staff.passkey_forms.PasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not IS_HTTPS
"""The library then takes every origin. Our forms take only that of BASE_URL, with and without https."""
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 0
MFA_TOTP_ISSUER = "Venterom"
USERSESSIONS_TRACK_ACTIVITY = False

# -- what browsers may do ----------------------------------------------------------------------------------
SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "manifest-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}
"""The name is Django 6's, so that our middleware can go at that upgrade."""
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 63_072_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_SSL_REDIRECT = IS_HTTPS and env.flag("SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY", default=False) else None
)
X_FRAME_OPTIONS = "DENY"

# -- languages and time ------------------------------------------------------------------------------------
LANGUAGE_CODE = "nb"
LANGUAGES = [("nb", _("Norwegian")), ("da", _("Danish")), ("en", _("English"))]
LOCALE_PATHS = [ROOT / "locale"]
FORMAT_MODULE_PATH = "portal.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# -- static files ------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(ROOT / ".local" / "static")))
STATICFILES_DIRS = [ROOT / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if ENVIRONMENT == "test"
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = ENVIRONMENT == "test"

# -- work that happens later -------------------------------------------------------------------------------
# A message in the broker only says "look"; what is due is a row in Postgres. Losing the broker loses nothing.
CELERY_BROKER_URL = env.broker("REDIS_URL")
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BEAT_CRON_STARTING_DEADLINE = 3600
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "send what is due": {"task": "notifications.send_due", "schedule": 15.0},
    "look ahead for gaps": {"task": "delegation.look_ahead", "schedule": 3600.0},
    "extend the calendars": {"task": "booking.extend_calendars", "schedule": 3600.0},
    "pass freed times on": {"task": "booking.pass_on", "schedule": 60.0},
    "keep the reminders": {"task": "booking.keep_reminders", "schedule": 300.0},
    "hold the draws": {"task": "booking.keep_up_draws", "schedule": 20.0},
    "forget who waited and drew": {"task": "booking.forget_people", "schedule": 3600.0},
    "forget lost draws": {"task": "booking.forget_draw_reasons", "schedule": 3600.0},
    "forget old guests": {"task": "booking.forget_guests", "schedule": 3600.0},
    "forget old texts": {"task": "notifications.sweep", "schedule": 3600.0},
    "carry out leavings": {"task": "onboarding.carry_out_leavings", "schedule": 3600.0},
    "sweep old rows": {"task": "identity.sweep", "schedule": 3600.0},
    "tidy up after birthdays": {"task": "patients.come_of_age", "schedule": 3600.0},
    "delete old contact changes": {"task": "patients.sweep_contact_changes", "schedule": 86_400.0},
    "show that clock and workers live": {"task": "operation.pulse", "schedule": 30.0},
    "shorten old network addresses": {"task": "identity.shorten_network_addresses", "schedule": 86_400.0},
    "delete old SAML messages": {"task": "identity.sweep_saml_archive", "schedule": 86_400.0},
    "send codes that wait": {"task": "identity.send_waiting", "schedule": 10.0},
}
if IS_DEVELOPMENT:
    CELERY_IMPORTS = ["notifications.demo_sms.tasks"]
    CELERY_BEAT_SCHEDULE["report on demo messages"] = {"task": "demo_sms.call_back", "schedule": 5.0}

# -- messages ----------------------------------------------------------------------------------------------
TWILIO_BASE_URL = env.web_address(
    "TWILIO_BASE_URL", f"{BASE_URL}/demo-sms" if IS_DEVELOPMENT else "https://api.twilio.com"
)
TWILIO_ACCOUNT_SID = env.text("TWILIO_ACCOUNT_SID", f"AC{'0' * 32}" if IS_DEVELOPMENT else "")
TWILIO_AUTH_TOKEN = env.text("TWILIO_AUTH_TOKEN", "demo-token" if IS_DEVELOPMENT else "")
TWILIO_AUTH_TOKEN_BEFORE = env.text("TWILIO_AUTH_TOKEN_BEFORE", "")
"""While the token is being changed: receipts signed with the old one are still accepted."""
TWILIO_FROM = env.text("TWILIO_FROM", "Venterom")
SMS_TIMEOUT_SECONDS = env.number("SMS_TIMEOUT_SECONDS", 10, least=1, most=12)

EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.number("EMAIL_PORT", 8025 if IS_DEVELOPMENT else 25, least=1, most=65535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "Venterom <no-reply@localhost>")
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"

# -- guardians ---------------------------------------------------------------------------------------------
GUARDIANSHIP_SOURCE = env.choice(
    "GUARDIANSHIP_SOURCE",
    ["manual", "file", "nsp_cpr", "folkeregister"],
    "file" if IS_DEVELOPMENT else "manual",
)
"""Who knows who is whose guardian, besides the clinic. The registers are not connected: they answer "unknown"."""

# -- logs: structured lines, ids only ----------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "portal.logs.RequestIdFilter"}},
    "formatters": {"lines": {"()": "portal.logs.JsonFormatter"}},
    "handlers": {
        "stream": {
            "class": "logging.StreamHandler",
            "formatter": "lines",
            "filters": ["request_id"],
        }
    },
    "root": {"handlers": ["stream"], "level": env.choice("LOG_LEVEL", ["DEBUG", "INFO", "WARNING"], "INFO")},
    "loggers": {
        # Answers below 500 stand in our own line for each request; a refusal is no warning.
        "django.request": {"level": "ERROR"},
        "django.server": {"handlers": ["stream"], "level": "INFO", "propagate": False},
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "twilio": {"level": "WARNING"},
        "fido2": {"level": "WARNING"},
    },
}
