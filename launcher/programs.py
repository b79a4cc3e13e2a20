"""The long-running programs of the product, as the demo, the image and docker compose start them."""

SETTINGS = "portal.settings"
CELERY_APP = "portal"
WSGI = "portal.wsgi"

GUNICORN_OPTIONS = (
    "--workers=2",
    "--threads=4",
    "--no-control-socket",
    "--limit-request-line=8190",
    "--graceful-timeout=5",
)
WORKER_OPTIONS = ("--concurrency=2", "--without-gossip", "--without-mingle", "--loglevel=INFO")
BEAT_OPTIONS = ("--loglevel=INFO",)


def web(bind: str) -> list[str]:
    """The web server, listening on `bind` ("address:port")."""
    return ["gunicorn", WSGI, f"--bind={bind}", *GUNICORN_OPTIONS]


def worker() -> list[str]:
    """What does the work that happens later. Forked processes, because time limits work only there."""
    return ["celery", f"--app={CELERY_APP}", "worker", *WORKER_OPTIONS]


def beat(schedule_file: str) -> list[str]:
    """What says "look" every few seconds. One is enough; two only say it twice."""
    return [
        "celery",
        f"--app={CELERY_APP}",
        "beat",
        f"--schedule={schedule_file}",
        "--pidfile=",
        *BEAT_OPTIONS,
    ]


def worker_with_beat(schedule_file: str) -> list[str]:
    """Worker and beat together, with one process for tasks: for the demo, where memory is dear."""
    return [
        "celery",
        f"--app={CELERY_APP}",
        "worker",
        "--beat",
        f"--schedule={schedule_file}",
        "--concurrency=1",
        "--without-gossip",
        "--without-mingle",
        "--loglevel=INFO",
    ]


def mailbox() -> list[str]:
    """The demo's mail server: takes every e-mail and shows it on the phone page. Never outside the demo."""
    return ["python", "manage.py", "demo_mailbox"]
