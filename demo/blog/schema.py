"""The blog's GraphQL schema."""

import graphene

from blog.mutations import Mutation
from blog.queries import Query
from blog.subscriptions import Subscription

schema = graphene.Schema(query=Query, mutation=Mutation, subscription=Subscription)
