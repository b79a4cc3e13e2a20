"""Which source this installation asks."""

from collections.abc import Callable

from django.conf import settings

from patients.guardianship.choices import Source
from patients.guardianship.file_source import File
from patients.guardianship.folkeregister import Folkeregister
from patients.guardianship.manual import Manual
from patients.guardianship.nsp_cpr import NspCpr
from patients.guardianship.port import GuardianshipPort

_SOURCES: dict[Source, Callable[[], GuardianshipPort]] = {
    Source.MANUAL: Manual,
    Source.FILE: File,
    Source.NSP_CPR: NspCpr,
    Source.FOLKEREGISTER: Folkeregister,
}


def source() -> GuardianshipPort:
    """Return the source that GUARDIANSHIP_SOURCE names. The national registers are not connected: they answer UNKNOWN."""
    return _SOURCES[name()]()


def name() -> Source:
    """Return the name of this installation's source."""
    return Source(settings.GUARDIANSHIP_SOURCE)
