"""The demo's schema behind views."""

from django.urls import path
from graphene_django.views import GraphQLView

from blog.schema import schema

urlpatterns = [
    path("graphql", GraphQLView.as_view(schema=schema)),
    path("batch", GraphQLView.as_view(schema=schema, batch=True)),
]
