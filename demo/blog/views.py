"""Two views that graphene-django does not have and many projects write: an async one, and one that streams subscriptions."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseNotAllowed, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views import View
from graphene_django.views import GraphQLView, HttpError
from graphql import ExecutionResult

from blog.schema import schema


class AsyncGraphQLView(GraphQLView):
    """GraphQL over POST whose resolvers may be coroutines. Resolvers that touch the database must await it here."""

    view_is_async = True

    async def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            data = self.parse_body(request)
            if self.batch:
                answers = await asyncio.gather(*(self.get_response(request, entry) for entry in data))
                body, status = f"[{','.join(text for text, _ in answers)}]", max(code for _, code in answers)
            else:
                body, status = await self.get_response(request, data)
        except HttpError as error:
            return JsonResponse({"errors": [self.format_error(error)]}, status=error.response.status_code)
        return HttpResponse(body, status=status, content_type="application/json")

    async def get_response(self, request: HttpRequest, data: dict[str, Any], show_graphiql: bool = False) -> tuple[str, int]:
        query, variables, operation_name, _ = self.get_graphql_params(request, data)
        result = await self.execute_graphql_request(request, data, query, variables, operation_name, show_graphiql)
        never_ran = any(not error.path for error in result.errors or ())
        return self.json_encode(request, answer(result, self.format_error)), 400 if never_ran else 200

    async def execute_graphql_request(
        self, request: HttpRequest, data: dict[str, Any], query: str, variables: Any, operation_name: str, show_graphiql: bool = False
    ) -> ExecutionResult:
        if not query:
            raise HttpError(HttpResponseBadRequest("Must provide query string."))
        return await self.schema.execute_async(
            query,
            root_value=self.get_root_value(request),
            context_value=self.get_context(request),
            variable_values=variables,
            operation_name=operation_name,
            middleware=self.get_middleware(request),
        )


class SubscriptionView(View):
    """Subscriptions over Server-Sent Events: one `next` event for each result, `complete` at the end."""

    async def post(self, request: HttpRequest) -> HttpResponseBase:
        try:
            data = json.loads(request.body)
            query = data["query"]
        except (ValueError, KeyError, TypeError):
            return HttpResponseBadRequest("Send JSON with a query.")
        results = await schema.subscribe(
            query,
            context_value=request,
            variable_values=data.get("variables"),
            operation_name=data.get("operationName"),
        )
        if isinstance(results, ExecutionResult):
            return JsonResponse(answer(results, GraphQLView.format_error), status=400)
        events = server_sent_events(results)
        return StreamingHttpResponse(
            events if isinstance(request, ASGIRequest) else in_own_event_loop(events),
            content_type="text/event-stream",
            # A proxy that collects the answer before it passes it on would turn a stream into a long wait.
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )


def answer(result: ExecutionResult, format_error: Any) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if result.errors:
        body["errors"] = [format_error(error) for error in result.errors]
    if result.data is not None or not result.errors:
        body["data"] = result.data
    return body


async def server_sent_events(results: Any) -> AsyncIterator[bytes]:
    try:
        async for result in results:
            yield f"event: next\ndata: {json.dumps(answer(result, GraphQLView.format_error))}\n\n".encode()
        yield b"event: complete\ndata:\n\n"
    finally:
        # Also where the client has gone away: the subscription must end with its last listener.
        await results.aclose()


def in_own_event_loop(events: AsyncIterator[bytes]) -> Iterator[bytes]:
    """A WSGI server pulls from a plain iterator; Django would collect an async one to its end before it sent anything."""
    loop = asyncio.new_event_loop()
    try:
        while event := loop.run_until_complete(next_or_nothing(events)):
            yield event
    finally:
        loop.run_until_complete(events.aclose())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def next_or_nothing(events: AsyncIterator[bytes]) -> bytes:
    async for event in events:
        return event
    return b""
