"""The one route of the benchmark's project."""

from bench_library.schema import schema
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from graphene_django.views import GraphQLView

urlpatterns = [path("graphql/", csrf_exempt(GraphQLView.as_view(schema=schema)))]
