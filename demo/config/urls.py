"""Where GraphQL answers: plain, in batches, asynchronously and as a stream."""

from django.contrib.staticfiles.views import serve
from django.urls import path, re_path
from django.views import View
from graphene_django.views import GraphQLView

from blog.schema import schema
from blog.views import AsyncGraphQLView, SubscriptionView


def without_csrf(view_class: type[View], **options: object):
    """An API that knows no log-in has no session to steal. The mark is set by hand: Django 4.2's decorator hides that a view is async."""
    view = view_class.as_view(**options)
    view.csrf_exempt = True
    return view


urlpatterns = [
    path("graphql/", without_csrf(GraphQLView, schema=schema, graphiql=True)),
    path("graphql/batch/", without_csrf(GraphQLView, schema=schema, batch=True)),
    path("graphql/async/", without_csrf(AsyncGraphQLView, schema=schema)),
    path("graphql/stream/", without_csrf(SubscriptionView)),
    # GraphiQL's script, under every server and without DEBUG: a demo has no web server in front of it.
    re_path(r"^static/(?P<path>.+)$", serve, {"insecure": True}),
]
