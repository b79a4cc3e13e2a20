"""The image and the compose file, read as text: no engine is needed to see that they fit the product."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import yaml

from launcher import healthcheck, programs
from launcher.places import ROOT
from launcher.postgres import find_binaries, major_version

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = ("web", "worker", "beat", "migrate")


def dockerfile_instruction(name):
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


def test_the_services_are_those_of_production():
    assert set(SERVICES) == {"web", "worker", "beat", "migrate", "postgres", "redis"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_watched_and_none_runs_as_root(name):
    service = SERVICES[name]
    assert service["user"] not in {"root", "0", 0}
    assert service["healthcheck"].get("test") or name == "migrate"
    assert service["restart"]


@pytest.mark.parametrize("name", OURS)
def test_our_services_share_one_image_and_write_nowhere(name):
    service = SERVICES[name]
    assert service["image"] == "venterom"
    assert service["env_file"] == ".env"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_the_product_waits_for_its_servers_and_the_migration(name):
    waits = {other: rule["condition"] for other, rule in SERVICES[name]["depends_on"].items()}
    assert waits == {
        "postgres": "service_healthy",
        "redis": "service_healthy",
        "migrate": "service_completed_successfully",
    }


def test_the_commands_are_those_of_the_demo():
    assert json.loads(dockerfile_instruction("CMD")[-1]) == programs.web("0.0.0.0:8000")
    assert "command" not in SERVICES["web"]
    assert SERVICES["worker"]["command"] == programs.worker()
    assert SERVICES["beat"]["command"] == programs.beat("/tmp/beat-schedule")
    assert SERVICES["migrate"]["command"][:3] == ["python3", "manage.py", "migrate"]


def test_the_database_is_the_same_major_version_as_the_embedded_one():
    assert SERVICES["postgres"]["image"] == f"postgres:{major_version(find_binaries())}"


def test_data_lies_in_named_volumes():
    for name in ("postgres", "redis"):
        (volume,) = SERVICES[name]["volumes"]
        assert volume.split(":")[0] in COMPOSE["volumes"]


def test_only_the_web_server_is_reachable_and_only_from_the_host():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["web"]["ports"])


def test_the_image_runs_as_a_user_of_its_own():
    assert dockerfile_instruction("USER") == ["venterom"]
    assert "--uid 10001" in DOCKERFILE
    assert all(SERVICES[name]["user"] == "10001" for name in OURS)


def test_the_image_installs_locked_wheels_of_the_runtime_only():
    installs = [line for line in DOCKERFILE.splitlines() if "pip install" in line]
    assert len(installs) == 1
    for rule in ("--only-binary :all:", "--require-hashes", "requirements/runtime.txt"):
        assert rule in installs[0]


def test_assets_are_built_as_everywhere_else():
    assert "RUN python3 -m launcher assets" in DOCKERFILE
    assert "COPY --from=assets /app/static/vendor static/vendor" in DOCKERFILE


def test_everything_that_the_image_copies_exists():
    for arguments in dockerfile_instruction("COPY"):
        words = [word for word in arguments.split() if not word.startswith("--")]
        if "--from=" not in arguments:
            for source in words[:-1]:
                assert (ROOT / source).exists(), source


def test_secrets_and_leftovers_stay_out_of_the_image():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".env", ".git", ".venv", ".local", "node_modules", "tests"} <= set(ignored)


def test_the_example_settings_name_the_services():
    example = (ROOT / ".env.example").read_text()
    assert "@postgres:5432/" in example
    assert "redis://redis:6379" in example


def test_the_health_check_fails_when_nothing_answers():
    assert not healthcheck.is_alive("127.0.0.1:1", "https://portal.example")


class AnswersToItsNameOnly(BaseHTTPRequestHandler):
    """Like Django with ALLOWED_HOSTS: any other name in the Host header is a bad request."""

    def do_GET(self):
        is_right = (self.headers["Host"], self.path) == ("portal.example", "/healthz")
        self.send_response(200 if is_right else 400)
        self.end_headers()

    def log_message(self, *arguments):
        """Say nothing."""


def test_the_health_check_asks_as_the_portals_own_host():
    with HTTPServer(("127.0.0.1", 0), AnswersToItsNameOnly) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"127.0.0.1:{server.server_port}"
        try:
            assert healthcheck.is_alive(address, "https://portal.example")
            assert not healthcheck.is_alive(address, "https://somebody-else.example")
        finally:
            server.shutdown()
            thread.join()
