"""The URLs of the in-process tests: graphene-django's view in the forms in which people use it."""

import inspect

import graphql
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from graphene_django.views import GraphQLView, HttpError

from tests.schema import schema


class Derived(GraphQLView):
    """A view whose own get_response calls the one it overrides."""

    def get_response(self, request, data, show_graphiql=False):
        return super().get_response(request, data, show_graphiql)


class AsyncView(GraphQLView):
    """The view that people write to have async resolvers: graphene-django has none."""

    async def dispatch(self, request, *args, **kwargs):
        try:
            data = self.parse_body(request)
            result, status = await self.get_response(request, data)
            return HttpResponse(result, status=status, content_type="application/json")
        except HttpError as error:
            return error.response

    async def get_response(self, request, data, show_graphiql=False):
        query, variables, operation_name, _ = self.get_graphql_params(request, data)
        result = await self.execute_graphql_request(request, data, query, variables, operation_name)
        response = {"data": result.data}
        if result.errors:
            response["errors"] = [self.format_error(error) for error in result.errors]
        return self.json_encode(request, response), 200

    async def execute_graphql_request(self, request, data, query, variables, operation_name, show_graphiql=False):
        return await schema.execute_async(query, context_value=request, variable_values=variables, operation_name=operation_name)


AsyncView.view_is_async = True


class HandMadeView(AsyncView):
    """An async view on graphql-core's own functions."""

    async def execute_graphql_request(self, request, data, query, variables, operation_name, show_graphiql=False):
        document = graphql.parse(query)
        errors = graphql.validate(schema.graphql_schema, document)
        assert not errors
        result = graphql.execute(
            schema.graphql_schema, document, context_value=request, variable_values=variables, operation_name=operation_name
        )
        return await result if inspect.isawaitable(result) else result


HandMadeView.view_is_async = True


def _exempt(view):
    return csrf_exempt(view)


urlpatterns = [
    path("graphql", _exempt(GraphQLView.as_view(schema=schema))),
    path("api/gql/", _exempt(GraphQLView.as_view(schema=schema, graphiql=True))),
    path("derived", _exempt(Derived.as_view(schema=schema))),
    path("batch", _exempt(GraphQLView.as_view(schema=schema, batch=True))),
    path("async", _exempt(AsyncView.as_view(schema=schema))),
    path("hand-made", _exempt(HandMadeView.as_view(schema=schema))),
]
