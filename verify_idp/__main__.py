"""`make verify-idp`: the running product against identity providers that others wrote. One line per flow."""

import argparse
import secrets
import shutil
import sys
import time
from collections.abc import Callable

from launcher.places import LOGS
from tests.journeys.product import Product, running
from verify_idp import oidc_flows, saml_flows
from verify_idp.report import Report

HERE = LOGS / "verify-idp"
PROVIDERS: dict[str, Callable[[Product, Report], None]] = {
    "oidc-provider": oidc_flows.run,
    "samlp": saml_flows.run_samlp,
    "simplesamlphp": saml_flows.run_simplesamlphp,
}


def main() -> int:
    """Run the flows of the providers that are named, or of all. Returns 0 if every flow went well."""
    parser = argparse.ArgumentParser(prog="verify-idp", description=__doc__)
    parser.add_argument("provider", nargs="*", help=f"one of {', '.join(PROVIDERS)}; all without a name")
    chosen = parser.parse_args().provider or list(PROVIDERS)
    unknown = [name for name in chosen if name not in PROVIDERS]
    if unknown:
        parser.error(f"no such provider: {', '.join(unknown)}")
    folder = HERE / time.strftime("%Y-%m-%d-%H%M%S")
    folder.mkdir(parents=True)
    report = Report(folder)
    with running(folder, f"verify_idp_{secrets.token_hex(4)}") as product:
        product.manage("make_demo")
        for name in chosen:
            PROVIDERS[name](product, report)
    shutil.rmtree(folder / "static", ignore_errors=True)
    print(f"{report.passed} ok, {report.failed} failed. Logs: {folder}", flush=True)
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
