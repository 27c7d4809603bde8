"""The resource attributes that the SDK's own detectors leave out: a service name, and an instance id that survives forking."""

from __future__ import annotations

import os
import uuid

from opentelemetry.sdk.resources import OTELResourceDetector, Resource, ResourceDetector

from otel_graphql_auto import semconv
from otel_graphql_auto.project import project_name

__all__ = ["GraphQLResourceDetector"]

_first_pid = os.getpid()


class GraphQLResourceDetector(ResourceDetector):
    """`service.name` from the Django project where nobody gave one, and in a forked process the user's instance id made unique."""

    def is_process_dependent(self) -> bool:
        """The SDK asks again in a forked process and lets the answer replace what was there."""
        return True

    def detect(self) -> Resource:
        """The attributes for this process."""
        attributes: dict[str, str] = {}
        given = OTELResourceDetector().detect().attributes
        name = None if given.get(semconv.SERVICE_NAME) else project_name()
        if name is not None:
            attributes[semconv.SERVICE_NAME] = name
        instance = given.get(semconv.SERVICE_INSTANCE_ID)
        if instance is not None and os.getpid() != _first_pid:
            # Two workers under one id would be one series with two histories, and every rate of it wrong.
            attributes[semconv.SERVICE_INSTANCE_ID] = f"{instance}-{uuid.uuid4()}"
        return Resource(attributes)
