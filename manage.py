#!/usr/bin/env python
"""Django's command line for Venterom."""

import os
import sys

from django.core.management import execute_from_command_line

from portal.env import BadSetting

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    try:
        execute_from_command_line(sys.argv)
    except BadSetting as refused:
        sys.exit(f"{refused}")
