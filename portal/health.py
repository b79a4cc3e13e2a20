"""What the outside asks to know whether we are alive and ready."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from portal.audience import machine_endpoint


@machine_endpoint
@require_safe
def alive(request: HttpRequest) -> JsonResponse:
    """Answer as long as the process works; asks nothing of anyone else."""
    return JsonResponse({"status": "alive"})


@machine_endpoint
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers and is migrated, else 503. Redis is not needed to serve pages."""
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        return JsonResponse({"status": "migrations are waiting", "count": len(waiting)}, status=503)
    return JsonResponse({"status": "ready"})
