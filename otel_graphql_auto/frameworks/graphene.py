"""Adapter for graphene-django: its view and the views derived from it, sync and async, and graphene's schema.

This file is the table of what is patched. Each name is patched in the module that looks it up when it runs.
"""

from __future__ import annotations

import functools
import inspect
import sys
import weakref
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, ClassVar

from otel_graphql_auto import lifecycle
from otel_graphql_auto._patching import IN_PLACE, REPLACED, WRAPPED, Patch, reaches, when_imported
from otel_graphql_auto._safety import guard
from otel_graphql_auto.finding import Finding
from otel_graphql_auto.frameworks import core, hooks, subscriptions
from otel_graphql_auto.frameworks._awaiting import observed
from otel_graphql_auto.operation import ENDED, current

__all__ = ["FUNCTIONS", "Graphene"]


def around_get_response(get_response: Callable[..., Any]) -> Callable[..., Any]:
    """`get_response` of a view: one operation from its parameters to its encoded answer, one for each entry of an HTTP batch."""
    if inspect.iscoroutinefunction(get_response):

        async def get_response_observed(*args: Any, **kwargs: Any) -> Any:
            operation = lifecycle.begin(_request_in(args, kwargs))
            if operation is None:
                return await get_response(*args, **kwargs)
            try:
                response = await get_response(*args, **kwargs)
            except BaseException as error:
                lifecycle.end(operation, error)
                raise
            lifecycle.end(operation)
            return response

        return get_response_observed

    def get_response_observed_sync(*args: Any, **kwargs: Any) -> Any:
        operation = lifecycle.begin(_request_in(args, kwargs))
        if operation is None:
            return get_response(*args, **kwargs)
        try:
            response = get_response(*args, **kwargs)
        except BaseException as error:
            lifecycle.end(operation, error)
            raise
        if inspect.iscoroutine(response):
            return observed(response, operation, owned=True)  # an async one behind a decorator that is not
        lifecycle.end(operation)
        return response

    return get_response_observed_sync


def around_json_encode(json_encode: Callable[..., Any]) -> Callable[..., Any]:
    """`json_encode` of a view: rooms may add to the body of the operation that is being answered, and to no other."""

    def json_encode_observed(*args: Any, **kwargs: Any) -> Any:
        body = _encoded(*args[1:3])
        return json_encode(*args, **kwargs) if body is None else json_encode(*args[:2], body, *args[3:], **kwargs)

    return json_encode_observed


def _request_in(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The second argument after the view. A view may call it as it likes; passed by another name it is not known."""
    return args[1] if len(args) > 1 else kwargs.get("request")


def _encode(request: Any = None, body: Any = None) -> Any:
    operation = current.get()
    if operation is None or operation.state == ENDED or operation.request is not request or not isinstance(body, dict):
        return None
    return lifecycle.answer("encode", operation, body)


_encoded = guard("graphene", _encode)


class _Views:
    """The view classes that bring methods of METHODS of their own, those that exist and those that are still to be written."""

    METHODS: ClassVar = {"get_response": around_get_response, "json_encode": around_json_encode}

    def __init__(self, base: type[Any]) -> None:
        self._base = base
        self._classes: weakref.WeakSet[type[Any]] = weakref.WeakSet()
        self._wrappers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._init_subclass: Any = vars(base).get("__init_subclass__")

    def attach(self) -> None:
        """Wrap each of them. While attached the base class has an `__init_subclass__` of ours."""
        meet, base, inherited = guard("graphene", self._meet), self._base, self._init_subclass
        waiting = [base]
        while waiting:
            view = waiting.pop()
            waiting.extend(view.__subclasses__())
            meet(view)

        def init_subclass(view: type[Any], /, **kwargs: Any) -> None:
            if inherited is None:
                super(base, view).__init_subclass__(**kwargs)
            else:
                inherited.__get__(None, view)(**kwargs)
            meet(view)

        base.__init_subclass__ = classmethod(init_subclass)  # type: ignore[assignment]

    def _meet(self, view: type[Any]) -> None:
        """A mixin may bring it, which is no view itself."""
        for owner in view.__mro__:
            for name, make in self.METHODS.items():
                own = vars(owner).get(name)
                if isinstance(own, FunctionType) and own not in self._wrappers:
                    wrapper = functools.wraps(own)(make(own))
                    self._wrappers.add(wrapper)
                    self._classes.add(owner)
                    setattr(owner, name, wrapper)

    def state(self, view: type[Any]) -> tuple[str, Any]:
        """The same as of a Patch, for the `get_response` that this class has or inherits."""
        now = next((vars(owner)["get_response"] for owner in view.__mro__ if "get_response" in vars(owner)), None)
        if isinstance(now, FunctionType) and now in self._wrappers:
            return IN_PLACE, now
        return (WRAPPED if any(reaches(now, wrapper) for wrapper in self._wrappers) else REPLACED), now

    def detach(self) -> None:
        """Leave them as they were, but for what others have put there since."""
        if self._init_subclass is None:
            del self._base.__init_subclass__
        else:
            self._base.__init_subclass__ = self._init_subclass
        for owner in list(self._classes):
            for name in self.METHODS:
                own = vars(owner).get(name)
                if isinstance(own, FunctionType) and own in self._wrappers:
                    setattr(owner, name, own.__wrapped__)  # type: ignore[attr-defined]


_Row = tuple[str, str, Callable[[Any], Any]]

FUNCTIONS: dict[str, tuple[_Row, ...]] = {
    "graphql": (
        ("graphql.graphql", "graphql_impl", core.around_impl),
        ("graphql.graphql", "validate_schema", core.around_schema),
        ("graphql.graphql", "parse", core.around_parse),
        ("graphql.graphql", "execute", core.around_execute),
        ("graphql.validation", "validate", core.around_validate),  # imported by graphql_impl when it is called
        ("graphql.execution.execute", "execute", core.around_execute),
        ("graphql.execution.execute", "get_variable_values", core.around_variables),
        ("graphql.execution.subscribe", "create_source_event_stream", subscriptions.around_source),
        ("graphql.execution.subscribe", "MapAsyncIterator", subscriptions.around_map),
        # Where the functions are defined, for whoever looks them up by their qualified name, as pickle does.
        ("graphql.language.parser", "parse", core.around_parse),
        ("graphql.validation.validate", "validate", core.around_validate),
        ("graphql.utilities.get_operation_ast", "get_operation_ast", core.around_definition),
        # For modules that import these names from here: views that people write themselves.
        ("graphql.language", "parse", core.around_parse),
        ("graphql", "parse", core.around_parse),
        ("graphql", "validate", core.around_validate),
        ("graphql", "execute", core.around_execute),
        ("graphql", "get_operation_ast", core.around_definition),
        ("graphql.execution", "execute", core.around_execute),
    ),
    "graphene.types.schema": (
        ("graphene.types.schema", "parse", core.around_parse),
        ("graphene.types.schema", "validate", core.around_validate),
        ("graphene.types.schema", "Schema.subscribe", subscriptions.around_schema_subscribe),
    ),
    "graphene_django.views": (
        ("graphene_django.views", "validate_schema", core.around_schema),
        ("graphene_django.views", "parse", core.around_parse),
        ("graphene_django.views", "get_operation_ast", core.around_definition),
        ("graphene_django.views", "validate", core.around_validate),
        ("graphene_django.views", "execute", core.around_execute),
    ),
}


class Graphene:
    """Attaches the rows of the table as their modules are imported, and detaches them in reverse."""

    name = "graphene"

    def __init__(self) -> None:
        self._attached: list[Patch | _Views] = []
        self._wrappers: dict[Any, Any] = {}
        self._cancel: list[Callable[[], None]] = []

    def attach(self) -> None:
        """Begin to tell `lifecycle` what happens."""
        for module, rows in FUNCTIONS.items():
            self._cancel.append(when_imported(module, functools.partial(self._attach_rows, rows)))
        self._cancel.append(when_imported("graphene_django.views", lambda module: self._attach(_Views(module.GraphQLView))))

    def _attach(self, part: Patch | _Views) -> None:
        part.attach()
        self._attached.append(part)

    def _attach_rows(self, rows: tuple[_Row, ...], _module: Any) -> None:
        for module_name, path, make in rows:
            # Through sys.modules: the attribute `graphql` of the package graphql is the function of that name.
            owner: Any = sys.modules[module_name]
            *classes, name = path.split(".")
            for attribute in classes:
                owner = getattr(owner, attribute)
            self._attach(Patch(owner, name, make, self._wrappers))

    def diagnose(self) -> Iterator[Finding]:
        """Rows for `graphql_auto doctor`: each view of the URLconf, and the functions of the table."""
        views = next((part for part in self._attached if isinstance(part, _Views)), None)
        yield from hooks.of_views(views.state if views is not None else None)
        yield from hooks.of_functions([part for part in self._attached if isinstance(part, Patch)])

    def detach(self) -> None:
        """Let go of everything; what others have wrapped since stays theirs."""
        for cancel in self._cancel:
            cancel()
        for part in reversed(self._attached):
            part.detach()
        self._cancel.clear()
        self._attached.clear()
