"""The demo's schema behind views."""

from blog.schema import schema
from django.urls import path
from graphene_django.views import GraphQLView

urlpatterns = [
    path("graphql", GraphQLView.as_view(schema=schema)),
    path("batch", GraphQLView.as_view(schema=schema, batch=True)),
]
