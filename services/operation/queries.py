"""The state of the installation, as the pages show it. A fixed number of queries, whatever there is to count."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from identity.admin import clinics_watched
from identity.admin.clinics_watched import WatchedClinic
from identity.providers import health as provider_health
from identity.providers.health import ProviderHealth
from identity.saml import certificate_ends
from identity.saml.certificate_ends import CertificateEnd
from notifications import load
from notifications.load import ChannelLoad
from services.operation import policy, probes
from services.operation.choices import Light
from services.operation.models import Pulse


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel's numbers with their light."""

    load: ChannelLoad
    light: Light


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider with its light."""

    health: ProviderHealth
    light: Light


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its light."""

    end: CertificateEnd
    light: Light
    days_left: int


@dataclass(frozen=True, slots=True)
class Clinic:
    """A clinic whose sign-in needs a look, with its light."""

    watched: WatchedClinic
    light: Light


@dataclass(frozen=True, slots=True)
class Operation:
    """Everything on the operation page."""

    at: datetime
    web: Light
    """Whoever reads this was answered."""
    database: Light
    migrations_waiting: int
    broker: Light
    workers: Light
    workers_found: int
    clock: Light
    pulse_at: datetime | None
    channels: list[Channel]
    providers: list[Provider]
    certificates: list[Certificate]
    clinics: list[Clinic]
    """Those whose codes are stopped or little used, or whose sign-in is not as usual; by name."""

    @property
    def light(self) -> Light:
        """Return the worst of all."""
        return policy.worst(
            [
                *(one.light for one in self.clinics),
                *(self.database, self.broker, self.workers, self.clock),
                *(one.light for one in self.channels),
                *(one.light for one in self.providers),
                *(one.light for one in self.certificates),
            ]
        )


@dataclass(frozen=True, slots=True)
class PublicStatus:
    """What everyone may know."""

    pages: Light
    background: Light
    messages: Light

    @property
    def light(self) -> Light:
        """Return the worst of all."""
        return policy.worst([self.pages, self.background, self.messages])


def public_status(now: datetime) -> PublicStatus:
    """Return the three lights of the public page. Four queries, nothing else is asked."""
    return PublicStatus(
        pages=Light.GREEN,
        background=policy.of_pulse(_age(_pulse_at(), now)),
        messages=policy.worst([one.light for one in _channels(now)]),
    )


def operation(now: datetime) -> Operation:
    """Return the state of everything; asks the broker and the workers, which takes a second or two."""
    found, pulse_at, waiting = probes.ask(), _pulse_at(), _migrations_waiting()
    return Operation(
        at=now,
        web=Light.GREEN,
        database=Light.RED if waiting else Light.GREEN,
        migrations_waiting=waiting,
        broker=Light.GREEN if found.broker else Light.RED,
        workers=Light.GREEN if found.workers else Light.RED,
        workers_found=found.workers,
        clock=policy.of_pulse(_age(pulse_at, now)),
        pulse_at=pulse_at,
        channels=_channels(now),
        providers=[
            Provider(one, policy.of_sign_ins(came_in=one.came_in, failed=one.failed))
            for one in provider_health.of_all(now)
        ],
        certificates=_certificates(now),
        clinics=[
            Clinic(one, policy.of_clinic(is_stopped=one.stop is not None))
            for one in clinics_watched.of_all(now)
        ],
    )


def _pulse_at() -> datetime | None:
    return Pulse.objects.values_list("at", flat=True).first()


def _age(pulse_at: datetime | None, now: datetime) -> timedelta | None:
    return None if pulse_at is None else now - pulse_at


def _migrations_waiting() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _channels(now: datetime) -> list[Channel]:
    return [Channel(one, _light_of(one, now)) for one in load.of_channels(now)]


def _light_of(one: ChannelLoad, now: datetime) -> Light:
    late = now - one.oldest_due_at if one.oldest_due_at else None
    return policy.of_messages(late=late, is_paused=one.is_paused, ended=one.ended, failed=one.failed)


def _certificates(now: datetime) -> list[Certificate]:
    ends = certificate_ends.of_all(now)
    good = {(one.provider, one.is_ours) for one in ends if not one.is_over}
    return [
        Certificate(
            one,
            policy.of_certificate(
                is_over=one.is_over,
                ends_soon=one.is_urgent,
                another_is_good=(one.provider, one.is_ours) in good,
            ),
            (one.ends_at - now).days,
        )
        for one in ends
    ]
