"""What can be changed: a comment can be written, and a bad one is answered with what is wrong with it."""

# graphene calls resolvers without an instance: their first argument is the parent value.
# ruff: noqa: N805

import graphene
from django.core.exceptions import ValidationError
from graphene_django.types import ErrorType
from graphql import GraphQLError

from blog.models import Comment, Post, User
from blog.types import CommentType


class CreateComment(graphene.Mutation):
    """Writes a comment; what the visitor can mend is in `errors`, what the client got wrong is a GraphQL error."""

    class Arguments:
        post = graphene.Int(required=True, description="Number of the post.")
        username = graphene.String(required=True, description="Who comments; the demo knows no passwords.")
        text = graphene.String(required=True)

    comment = graphene.Field(CommentType)
    errors = graphene.List(graphene.NonNull(ErrorType), required=True)

    def mutate(root, info, post, username, text):
        author = User.objects.filter(username=username).first()
        article = Post.objects.filter(pk=post).first()
        if author is None or article is None:
            raise GraphQLError("There is no such post, or no such user.", extensions={"code": "NOT_FOUND"})
        comment = Comment(post=article, author=author, text=text.strip())
        try:
            comment.full_clean()
        except ValidationError as error:
            return CreateComment(errors=ErrorType.from_errors(error.message_dict))
        comment.save()
        return CreateComment(comment=comment, errors=[])


class Mutation(graphene.ObjectType):
    create_comment = CreateComment.Field()
