"""Where the shop answers: two GraphQL addresses, one for batches, one async, and a page that is not GraphQL."""

from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from graphene_django.views import GraphQLView

from shop.schema import schema
from shop.views import later


def page(request):
    """A page without GraphQL."""
    return HttpResponse("page")


def broken(request):
    """A page that fails."""
    raise RuntimeError("this page always fails")


urlpatterns = [
    path("graphql", csrf_exempt(GraphQLView.as_view(schema=schema, graphiql=True))),
    path("api/gql/", csrf_exempt(GraphQLView.as_view(schema=schema))),
    path("batch/", csrf_exempt(GraphQLView.as_view(schema=schema, batch=True))),
    path("later/", later),
    path("page/", page),
    path("broken/", broken),
]
