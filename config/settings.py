"""Every setting, each from the environment, with its unit and its reason.

MODELPACT_MODE says what a missing value means. "production" (what a server process gets) stops
the process with the name of a required value that is missing; "embedded" (what `manage.py` gets
when there is no DATABASE_URL) fills it from the data directory, so that a machine with nothing
but Python can run the whole service.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from config.api.spectacular import SETTINGS as SPECTACULAR_SETTINGS  # noqa: F401 (a setting)
from config.databases import with_options
from config.embedded.data import DataDir
from config.logs import logging_settings

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
MIB = 1024 * 1024

MODELPACT_MODE = env.str("MODELPACT_MODE", default="production")
if MODELPACT_MODE not in {"production", "embedded"}:
    raise ImproperlyConfigured("MODELPACT_MODE must be 'production' or 'embedded'.")
EMBEDDED = MODELPACT_MODE == "embedded"
# A checkout keeps its data in itself; an installed package keeps them where it is started.
DATA_ROOT = BASE_DIR if (BASE_DIR / "manage.py").is_file() else Path.cwd()
# Where the embedded default keeps its database and its secrets.
DATA_DIR = Path(env.str("MODELPACT_DATA", default=str(DATA_ROOT / ".modelpact"))).resolve()
_data = DataDir(DATA_DIR) if EMBEDDED else None


def _required(name: str, embedded: str) -> str:
    """The value of `name`; in the embedded default, `embedded` stands in for a missing one.

    An empty one is missing too: a line `NAME=` that nobody filled in.
    """
    value = str(env.str(name, default="")) or (embedded if EMBEDDED else "")
    if not value:
        raise ImproperlyConfigured(f"Set the {name} environment variable")
    return value


def _one_of(name: str, *allowed: str) -> str:
    """The value of `name`, which must be one of `allowed`; the first of them when it is missing."""
    value = env.str(name, default=allowed[0])
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}.")
    return str(value)


# --- Django ---------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = _required("SECRET_KEY", _data.secret("secret_key") if _data else "")
# Old keys that still verify callback tokens and sessions while a new SECRET_KEY is rolled out.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = _required("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
# The address handlers call back and documents link to, without a trailing slash.
PUBLIC_URL = _required("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")

INSTALLED_APPS = [
    # First: its templates stand in the place of the theme's.
    "config",
    "unfold.apps.BasicAppConfig",
    "config.staff.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "models_registry",
    "subscriptions",
]
MIDDLEWARE = [
    "config.api.requests.RequestMiddleware",
    "config.api.middleware.HeadMiddleware",
    # Requests of the API go no further in this list, but on to API_MIDDLEWARE. What is to see both
    # the API and pages stands above this line, or in both lists.
    "config.api.middleware.ApiMiddleware",
    "config.content_policy.ContentPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.pages.NulMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.api.requests.StaffActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# What requests of the API pass. They have no session, so nothing here may need one.
API_MIDDLEWARE = [
    "config.content_policy.ContentPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.api.middleware.BodyMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "/static/"
# Static files come straight from the installed packages: no collect step to forget.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- HTTPS (production only: the embedded default speaks plain HTTP on loopback) --------------
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not EMBEDDED)
# A scraper asks each process itself, past the proxy that speaks HTTPS.
SECURE_REDIRECT_EXEMPT = [r"^metrics$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0 if EMBEDDED else 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not EMBEDDED
# Set it only behind a proxy that overwrites the header, else clients could claim HTTPS.
if env.bool("TRUST_X_FORWARDED_PROTO", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Database -------------------------------------------------------------------------------
_database_url = _required("DATABASE_URL", f"sqlite:///{DATA_DIR / 'modelpact.sqlite3'}")
# Connections per process; the database must allow this times the processes.
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=10)
DATABASES: dict[str, dict[str, Any]] = {
    "default": with_options(env.db_url_config(_database_url), pool_size=DATABASE_POOL_SIZE)
}

# --- API ------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["config.api.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["config.api.permissions.HasDeclaredScope"],
    "DEFAULT_THROTTLE_CLASSES": ["config.api.rate_limits.CallerThrottle"],
    "DEFAULT_PARSER_CLASSES": ["config.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["config.api.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.api.renderers.JSONContentNegotiation",
    "DEFAULT_SCHEMA_CLASS": "config.api.openapi.OperationSchema",
    "EXCEPTION_HANDLER": "config.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
    # No key of a body can be this (models_registry/contracts/strict_json.py).
    "NON_FIELD_ERRORS_KEY": "\x00",
    "URL_FORMAT_OVERRIDE": None,
}
# 7 MiB, so that Lambda's 6 MB synchronous payload fits into a request.
BODY_LIMIT_BYTES = env.int("BODY_LIMIT_BYTES", default=7 * MIB)
DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_LIMIT_BYTES
# A free JSON field (metadata, input, output) may nest this deep, in levels.
JSON_DEPTH_LIMIT = env.int("JSON_DEPTH_LIMIT", default=64)
# The body as a whole may nest deeper, so that a field or a schema of one level too many still gets
# the answer of its own check. Far below what the parser and the writer could bear (250 levels).
BODY_DEPTH_LIMIT = JSON_DEPTH_LIMIT + 36
PAGE_SIZE_DEFAULT, PAGE_SIZE_LIMIT = 100, 1000
# How long a repeated Idempotency-Key gets the first answer, in hours.
IDEMPOTENCY_HOURS = env.int("IDEMPOTENCY_HOURS", default=24)

# How many requests a caller may send in a minute: all, and those that are costly (registering and
# updating models, starting jobs, contract checks, the graph). 0 is no limit: what is fair is not
# ours to know.
RATE_LIMIT_PER_MINUTE = env.int("RATE_LIMIT_PER_MINUTE", default=0)
RATE_LIMIT_COSTLY_PER_MINUTE = env.int("RATE_LIMIT_COSTLY_PER_MINUTE", default=0)

# --- Rights ---------------------------------------------------------------------------------
# Exactly one source of keys; never two families of algorithms at once.
AUTH_JWKS_URL = env.str("AUTH_JWKS_URL", default="")
AUTH_JWKS_FILE = env.str("AUTH_JWKS_FILE", default="")
AUTH_SHARED_SECRET = env.str("AUTH_SHARED_SECRET", default="")
AUTH_ISSUER = _required("AUTH_ISSUER", "modelpact-embedded")
# A token must name one of these clients (`client_id`) and this audience (`aud`), as far as each is
# set; one must be. A token that names an audience while none is set here is somebody else's.
AUTH_CLIENT_IDS = env.list("AUTH_CLIENT_IDS", default=[])
AUTH_AUDIENCE = env.str("AUTH_AUDIENCE", default="")
AUTH_TOKEN_USE = env.str("AUTH_TOKEN_USE", default="access")
# Clocks differ; seconds that `exp`, `nbf` and `iat` may be off by.
AUTH_LEEWAY_SECONDS = env.int("AUTH_LEEWAY_SECONDS", default=30)
AUTH_SCOPE_PREFIX = env.str("AUTH_SCOPE_PREFIX", default="streamline/")
AUTH_ADMIN_GROUP = env.str("AUTH_ADMIN_GROUP", default="admin")
if _data and not (AUTH_JWKS_URL or AUTH_JWKS_FILE or AUTH_SHARED_SECRET):
    AUTH_SHARED_SECRET = _data.secret("token_secret")
    AUTH_CLIENT_IDS = AUTH_CLIENT_IDS or ["modelpact-embedded"]

# --- Contracts ------------------------------------------------------------------------------
SCHEMA_LIMIT_BYTES = 256 * 1024
SCHEMA_DEPTH_LIMIT = 64
# How many stored payloads of an action a contract check holds against the planned contract.
CONTRACT_CHECK_PAYLOADS = env.int("CONTRACT_CHECK_PAYLOADS", default=10_000)

# --- Lambda ---------------------------------------------------------------------------------
# Event: the handler calls back. RequestResponse: what it returns is the output.
LAMBDA_INVOCATION_TYPES = {
    "training": _one_of("LAMBDA_TRAINING_INVOCATION", "Event", "RequestResponse"),
    "inference": _one_of("LAMBDA_INFERENCE_INVOCATION", "RequestResponse", "Event"),
}
LAMBDA_CONNECT_TIMEOUT_SECONDS = env.int("LAMBDA_CONNECT_TIMEOUT_SECONDS", default=2)
LAMBDA_EVENT_READ_TIMEOUT_SECONDS = env.int("LAMBDA_EVENT_READ_TIMEOUT_SECONDS", default=10)
# The limits of tasks and the broker's visibility timeout go by it (HANDLER_CALL_LIMIT_SECONDS).
LAMBDA_SYNC_READ_TIMEOUT_SECONDS = env.int("LAMBDA_SYNC_READ_TIMEOUT_SECONDS", default=120)
# The largest event for each invocation type, in bytes. AWS takes 1 MiB for Event and 6 MiB for
# RequestResponse, after a serialization of its own that adds a little.
LAMBDA_EVENT_LIMIT_BYTES = env.int("LAMBDA_EVENT_LIMIT_BYTES", default=900 * 1024)
LAMBDA_SYNC_LIMIT_BYTES = env.int("LAMBDA_SYNC_LIMIT_BYTES", default=6 * MIB - 64 * 1024)
# Whose functions may be invoked: account ids; without one in production every ARN is refused, since
# any caller who may write a model could otherwise make this service's role invoke any function.
LAMBDA_ACCOUNTS = env.list("LAMBDA_ACCOUNTS", default=["123456789012"] if EMBEDDED else [])
# Empty means every region, any function name.
LAMBDA_REGIONS = env.list("LAMBDA_REGIONS", default=[])
LAMBDA_NAME_PREFIX = env.str("LAMBDA_NAME_PREFIX", default="")
# Where to reach Lambda instead of AWS; None is AWS itself. `manage.py serve` sets it.
LAMBDA_ENDPOINT_URL = env.str("AWS_ENDPOINT_URL_LAMBDA", default=None)

# --- Jobs -----------------------------------------------------------------------------------
ACTIVATION = _one_of("ACTIVATION", "automatic", "manual")
# Tries of one job that may fail for a passing reason, crashes of a worker included.
DISPATCH_MAX_ATTEMPTS = env.int("DISPATCH_MAX_ATTEMPTS", default=5)
# Tries for which the function had no room (429); it is not at fault, so there may be more of them.
DISPATCH_MAX_THROTTLED = env.int("DISPATCH_MAX_THROTTLED", default=30)
# The n-th wait is a random time up to base * 2^n, at most the cap; in seconds.
DISPATCH_BACKOFF_BASE_SECONDS = env.float(
    "DISPATCH_BACKOFF_BASE_SECONDS", default=0.5 if EMBEDDED else 2.0
)
DISPATCH_BACKOFF_CAP_SECONDS = env.float("DISPATCH_BACKOFF_CAP_SECONDS", default=300.0)
# A claim that is not recorded within this time (plus the call's own timeout) is taken again.
DISPATCH_LEASE_SECONDS = env.int("DISPATCH_LEASE_SECONDS", default=60)
# How long a dispatched job may take, by type, in seconds. AWS itself may retry an Event for 6 h.
JOB_DEADLINE_SECONDS = {
    "training": env.int("TRAINING_DEADLINE_SECONDS", default=6 * 3600),
    "inference": env.int("INFERENCE_DEADLINE_SECONDS", default=900),
}
# How many jobs of one model may be pending or started when another is asked for; 0 is no limit.
JOBS_IN_FLIGHT_PER_MODEL = env.int("JOBS_IN_FLIGHT_PER_MODEL", default=0)
# A chunk of a revalidation that its worker has not recorded in this time is taken by another.
REVALIDATION_LEASE_SECONDS = env.int("REVALIDATION_LEASE_SECONDS", default=60)
# Somebody watches the embedded default: what was left behind should go on soon.
SWEEP_INTERVAL_SECONDS = env.float("SWEEP_INTERVAL_SECONDS", default=2.0 if EMBEDDED else 10.0)
SWEEP_BATCH = env.int("SWEEP_BATCH", default=200)
# How long jobs are kept after their end, and the record of what triggered them; 0 is for ever.
JOB_RETENTION_DAYS = env.int("JOB_RETENTION_DAYS", default=90)
# How long the audit log keeps a change; 0 is for ever.
AUDIT_RETENTION_DAYS = env.int("AUDIT_RETENTION_DAYS", default=365)
# Below zero these would refuse, or delete, everything.
for _name, _value in {
    "RATE_LIMIT_PER_MINUTE": RATE_LIMIT_PER_MINUTE,
    "RATE_LIMIT_COSTLY_PER_MINUTE": RATE_LIMIT_COSTLY_PER_MINUTE,
    "JOBS_IN_FLIGHT_PER_MODEL": JOBS_IN_FLIGHT_PER_MODEL,
    "JOB_RETENTION_DAYS": JOB_RETENTION_DAYS,
    "AUDIT_RETENTION_DAYS": AUDIT_RETENTION_DAYS,
    "IDEMPOTENCY_HOURS": IDEMPOTENCY_HOURS,
}.items():
    if _value < 0:
        raise ImproperlyConfigured(f"{_name} must not be negative.")
# Without one call nothing would be done; more than these no row can count.
for _name, _value in {
    "DISPATCH_MAX_ATTEMPTS": DISPATCH_MAX_ATTEMPTS,
    "DISPATCH_MAX_THROTTLED": DISPATCH_MAX_THROTTLED,
}.items():
    if not 1 <= _value <= 10_000:
        raise ImproperlyConfigured(f"{_name} must be from 1 to 10,000.")

# --- Celery ---------------------------------------------------------------------------------
CELERY_BROKER_URL = _required("REDIS_URL", "memory://localhost")
if CELERY_BROKER_URL.startswith("redis"):
    # A message that can't be read must not end a worker.
    CELERY_BROKER_TRANSPORT = "config.redis_transport:Transport"
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
# Recovery is ours (leases in the database); a crashing message must not be delivered for ever.
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Never: connections are given back to their pool after each task (config/celery.py).
CELERY_DB_REUSE_MAX = 10**12
# The longest call that a handler type may make. One that needs longer is named here as well
# (config/checks.py).
HANDLER_CALL_LIMIT_SECONDS = LAMBDA_CONNECT_TIMEOUT_SECONDS + max(
    LAMBDA_SYNC_READ_TIMEOUT_SECONDS, LAMBDA_EVENT_READ_TIMEOUT_SECONDS
)
# The longest task: five seconds of other work, then credentials for 14, a call, and 60 in which
# its outcome is recorded; and some room.
CELERY_TASK_SOFT_TIME_LIMIT = 5 + 14 + HANDLER_CALL_LIMIT_SECONDS + 60 + 9
CELERY_TASK_TIME_LIMIT = CELERY_TASK_SOFT_TIME_LIMIT + 30
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Nobody controls the embedded default's worker from outside its process.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = not EMBEDDED
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"polling_interval": 0.05}
    if CELERY_BROKER_URL.startswith("memory")
    else {
        # Else one task could be given to a second worker while it runs.
        "visibility_timeout": max(300, CELERY_TASK_TIME_LIMIT + 30),
        "socket_timeout": 2,
        "socket_connect_timeout": 1,
        "max_retries": 0,
    }
)
CELERY_TASK_ROUTES = {
    "models_registry.tasks.dispatch_waiting_calls": {"queue": "sync"},
    "models_registry.tasks.prune": {"queue": "background"},
    "models_registry.tasks.*": {"queue": "dispatch"},
    "subscriptions.tasks.*": {"queue": "background"},
}
CELERY_TASK_DEFAULT_QUEUE = "dispatch"
# A sweep that waited longer than this for a worker is left out: the next one does its work, and a
# day without workers must not leave a day of sweeps behind. In seconds.
_EXPIRY = {"expires": max(60.0, SWEEP_INTERVAL_SECONDS)}
CELERY_BEAT_SCHEDULE = {
    name: {"task": task, "schedule": seconds, "options": _EXPIRY}
    for name, (task, seconds) in {
        "sweep": ("models_registry.tasks.sweep", SWEEP_INTERVAL_SECONDS),
        "sweep_revalidations": ("subscriptions.tasks.sweep_revalidations", SWEEP_INTERVAL_SECONDS),
        "sweep_reports": ("subscriptions.tasks.sweep_reports", SWEEP_INTERVAL_SECONDS),
        # How often what is too old is deleted, in seconds.
        "prune": ("models_registry.tasks.prune", 600.0),
    }.items()
}

# --- Logs -----------------------------------------------------------------------------------
# In the embedded default people read the terminal.
LOG_FORMAT = env.str("LOG_FORMAT", default="plain" if EMBEDDED else "json")
if LOG_FORMAT not in {"json", "plain"}:
    raise ImproperlyConfigured("LOG_FORMAT must be one of json, plain.")
LOG_LEVEL = env.str("LOG_LEVEL", default="WARNING" if EMBEDDED else "INFO")
LOGGING = logging_settings(LOG_FORMAT, LOG_LEVEL)

# --- Monitoring -----------------------------------------------------------------------------
# How often a worker says that it is alive, in seconds; one that missed three is taken for gone.
WORKER_HEARTBEAT_SECONDS = env.float("WORKER_HEARTBEAT_SECONDS", default=10.0)
# Lets a scraper read /metrics, and a prober /v2/health/ready; without one /metrics is not there.
MONITORING_TOKEN = env.str("MONITORING_TOKEN", default="")
# Where the processes of one machine count together; prometheus-client itself reads the variable.
PROMETHEUS_MULTIPROC_DIR = env.str("PROMETHEUS_MULTIPROC_DIR", default="")
if PROMETHEUS_MULTIPROC_DIR:
    Path(PROMETHEUS_MULTIPROC_DIR).mkdir(parents=True, exist_ok=True)
