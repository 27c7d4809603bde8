"""The blog's models as GraphQL types; what a list costs is decided by the query that starts it, in `queries`."""

# graphene calls resolvers without an instance: their first argument is the parent value.
# ruff: noqa: N805

import graphene
from graphene import relay
from graphene_django import DjangoObjectType

from blog.loaders import awaited, loaders_of
from blog.models import Category, Comment, Post, User

WORDS_PER_MINUTE = 200

LOADED = "One query for all that ask, by a DataLoader; under /graphql/async/ only."


class UserType(DjangoObjectType):
    full_name = graphene.String(required=True)
    posts = graphene.List(
        graphene.NonNull(lambda: PostType), required=True, published=graphene.Boolean(), description="One query for each user that asks."
    )

    class Meta:
        model = User
        name = "User"
        interfaces = (relay.Node,)
        fields = ("id", "username", "first_name", "last_name", "is_active", "date_joined")

    def resolve_full_name(root: User, info):
        return root.get_full_name()

    def resolve_posts(root: User, info, published=None):
        posts = root.posts.all()
        return posts if published is None else posts.filter(published=published)


class CategoryType(DjangoObjectType):
    post_count = graphene.Int(required=True, description="A column where the list was annotated; otherwise one query for each category.")

    class Meta:
        model = Category
        name = "Category"
        interfaces = (relay.Node,)
        fields = ("id", "name", "slug")

    def resolve_post_count(root: Category, info):
        counted = getattr(root, "counted_posts", None)
        return root.posts.count() if counted is None else counted


class CommentType(DjangoObjectType):
    author_loaded = graphene.Field(UserType, required=True, description=LOADED)

    class Meta:
        model = Comment
        name = "Comment"
        interfaces = (relay.Node,)
        fields = ("id", "text", "created_at", "author", "post")

    @awaited
    async def resolve_author_loaded(root: Comment, info):
        return await loaders_of(info.context).users.load(root.author_id)


class PostType(DjangoObjectType):
    author_loaded = graphene.Field(UserType, required=True, description=LOADED)
    comments = graphene.List(graphene.NonNull(CommentType), required=True)
    comments_loaded = graphene.List(graphene.NonNull(CommentType), required=True, description=LOADED)
    excerpt = graphene.String(required=True, length=graphene.Int(default_value=80))
    reading_minutes = graphene.Int(required=True)
    summary = graphene.String(required=True, deprecation_reason="Use `excerpt`, which has a length.")

    class Meta:
        model = Post
        name = "Post"
        interfaces = (relay.Node,)
        fields = ("id", "title", "content", "published", "created_at", "updated_at", "author", "category")

    @awaited
    async def resolve_author_loaded(root: Post, info):
        return await loaders_of(info.context).users.load(root.author_id)

    @awaited
    async def resolve_comments_loaded(root: Post, info):
        return await loaders_of(info.context).comments_of_post.load(root.pk)

    def resolve_comments(root: Post, info):
        # `all()` answers from what was prefetched; an order asked for here would throw that away, and ask again.
        return root.comments.all()

    def resolve_excerpt(root: Post, info, length):
        return excerpt(root.content, length)

    def resolve_summary(root: Post, info):
        return excerpt(root.content, 80)

    def resolve_reading_minutes(root: Post, info):
        return max(1, round(len(root.content.split()) / WORDS_PER_MINUTE))


def excerpt(text: str, length: int) -> str:
    return text if len(text) <= length else text[: max(0, length - 1)].rstrip() + "…"
