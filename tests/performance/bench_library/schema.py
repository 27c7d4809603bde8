"""The schema behind the workloads: every field is as plain as an application would write it."""

import graphene
from graphene import relay
from graphene_django import DjangoConnectionField, DjangoObjectType

from bench_library.models import Author, Book, Reading


class ReadingType(DjangoObjectType):
    """Ten scalar fields that graphene's default resolver answers, and three with a resolver of their own in plain Python."""

    first = graphene.Int()
    second = graphene.String()
    third = graphene.String()

    class Meta:
        model = Reading
        name = "Reading"
        fields = ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")

    @staticmethod
    def resolve_first(root, info):
        return root.a

    @staticmethod
    def resolve_second(root, info):
        return root.b

    @staticmethod
    def resolve_third(root, info):
        return root.d


class AuthorType(DjangoObjectType):
    class Meta:
        model = Author
        name = "Author"
        fields = ("name",)


class BookType(DjangoObjectType):
    """A book whose author is looked up one by one, as nobody should and everybody does."""

    class Meta:
        model = Book
        name = "Book"
        fields = ("title", "author")


class BookNode(DjangoObjectType):
    class Meta:
        model = Book
        name = "BookNode"
        fields = ("title", "summary", "pages")
        interfaces = (relay.Node,)


class Query(graphene.ObjectType):
    hello = graphene.String()
    readings = graphene.List(ReadingType, first=graphene.Int(required=True))
    books = graphene.List(BookType, first=graphene.Int(required=True))
    book_nodes = DjangoConnectionField(BookNode)

    @staticmethod
    def resolve_hello(root, info):
        return "world"

    @staticmethod
    def resolve_readings(root, info, first):
        return Reading.objects.all()[:first]

    @staticmethod
    def resolve_books(root, info, first):
        return Book.objects.all()[:first]


schema = graphene.Schema(query=Query)
