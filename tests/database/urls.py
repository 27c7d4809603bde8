"""The schema of these tests behind a view."""

from django.urls import path
from graphene_django.views import GraphQLView

from tests.database.schema import schema

urlpatterns = [path("articles", GraphQLView.as_view(schema=schema))]
