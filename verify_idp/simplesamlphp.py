"""Debian's SimpleSAMLphp as a provider: its configuration written for this run, served by PHP's own web server."""

import json
import shutil
from pathlib import Path
from typing import Any

from verify_idp.keys import Pair
from verify_idp.servers import Server

HOME = Path("/usr/share/simplesamlphp")
MODEL = "https://data.gov.dk/model/core/"
LOA = "https://data.gov.dk/concept/core/nsis/loa"
USER, PASSWORD = "patient", "only for this check"


def missing() -> str:
    """Return what has to be installed, empty if nothing."""
    if not (HOME / "www").is_dir() or shutil.which("php") is None:
        return "needs Debian's simplesamlphp, php-cli, php-xml, php-mbstring and php-curl"
    return ""


def server(folder: Path, *, port: int, logs: Path) -> Server:
    """Return the provider, not started yet; `write` its configuration first."""
    command = ["php", "-d", "opcache.enable=0", "-S", f"127.0.0.1:{port}", "-t", str(HOME / "www")]
    return Server(
        "simplesamlphp",
        command,
        port=port,
        logs=logs,
        environment={"SIMPLESAMLPHP_CONFIG_DIR": str(folder / "config")},
    )


def write(
    folder: Path, *, port: int, keys: list[Pair], portal: dict[str, str], person: dict[str, str]
) -> None:
    """Write the configuration: the first key signs, the second (if any) is announced beside it."""
    for part in ("config", "metadata", "cert", "data", "log", "temp"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number, pair in enumerate(keys):
        (folder / "cert" / f"{number}.pem").write_text(pair.key)
        (folder / "cert" / f"{number}.crt").write_text(pair.certificate)
    _php(folder / "config/config.php", "$config = {};", _config(folder, port))
    _php(folder / "config/authsources.php", "$config = {};", _people(person))
    hosted = _hosted(with_new=len(keys) > 1)
    _php(folder / "metadata/saml20-idp-hosted.php", "$metadata['__DYNAMIC:1__'] = {};", hosted)
    _php(
        folder / "metadata/saml20-sp-remote.php",
        f"$metadata['{portal['entity_id']}'] = {{}};",
        _portal(portal),
    )


def _php(path: Path, statement: str, value: dict[str, Any]) -> None:
    """Write a file that sets a value; PHP reads it from JSON, so nothing has to be escaped twice."""
    text = json.dumps(value).replace("\\", "\\\\").replace("'", "\\'")
    path.write_text("<?php\n" + statement.replace("{}", f"json_decode('{text}', true)", 1) + "\n")


def _config(folder: Path, port: int) -> dict[str, Any]:
    return {
        "baseurlpath": f"http://127.0.0.1:{port}/",
        "certdir": f"{folder}/cert/",
        "loggingdir": f"{folder}/log/",
        "datadir": f"{folder}/data/",
        "tempdir": f"{folder}/temp",
        "metadatadir": f"{folder}/metadata",
        "secretsalt": "only for this check, and long enough",
        "auth.adminpassword": PASSWORD,
        "timezone": "UTC",
        "logging.handler": "file",
        "logging.level": 7,
        "enable.saml20-idp": True,
        "admin.protectmetadata": False,
        "store.type": "phpsession",
        "session.cookie.secure": False,
        "session.phpsession.cookiename": "SimpleSAML",
        "metadata.sources": [{"type": "flatfile"}],
        "module.enable": {"exampleauth": True, "core": True, "saml": True},
    }


def _people(person: dict[str, str]) -> dict[str, Any]:
    attributes = {
        "uuid": f"{MODEL}eid/person/uuid/2b3c2d4e-0000-4000-8000-000000000002",
        f"{MODEL}specVersion": "OIO-SAML-3.0",
        LOA: "Substantial",
        f"{MODEL}eid/cprNumber": person["national_id"],
        f"{MODEL}eid/firstName": person["given_name"],
        f"{MODEL}eid/lastName": person["family_name"],
        f"{MODEL}eid/dateOfBirth": person["birth_date"],
    }
    known = {name: [value] for name, value in attributes.items()}
    return {"patients": {"0": "exampleauth:UserPass", f"{USER}:{PASSWORD}": known}}


def _hosted(*, with_new: bool) -> dict[str, Any]:
    persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    steps = {
        "10": {"class": "saml:AttributeNameID", "attribute": "uuid", "Format": persistent},
        "20": {"class": "saml:AuthnContextClassRef", "AuthnContextClassRef": f"{LOA}/Substantial"},
        "30": {"class": "core:AttributeLimit", "0": LOA}
        | {
            str(number): f"{MODEL}{name}"
            for number, name in enumerate(
                ("specVersion", "eid/cprNumber", "eid/firstName", "eid/lastName", "eid/dateOfBirth"), 1
            )
        },
    }
    announced = {"new_privatekey": "1.pem", "new_certificate": "1.crt"} if with_new else {}
    return announced | {
        "host": "__DEFAULT__",
        "auth": "patients",
        "privatekey": "0.pem",
        "certificate": "0.crt",
        "attributes.NameFormat": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
        "saml20.sign.response": False,
        "saml20.sign.assertion": True,
        "assertion.encryption": True,
        "validate.authnrequest": True,
        "validate.logout": True,
        "sign.logout": True,
        "redirect.sign": True,
        "NameIDFormat": persistent,
        "authproc": steps,
    }


def _portal(portal: dict[str, str]) -> dict[str, Any]:
    certificate = "".join(portal["certificate"].split("-----")[2].split())
    return {
        "AssertionConsumerService": portal["acs"],
        "SingleLogoutService": [
            {"Binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect", "Location": portal["slo"]}
        ],
        "certData": certificate,
        "NameIDFormat": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        "simplesaml.nameidattribute": "uuid",
    }
