"""The shop's own async GraphQL view, as users write one who need awaitable resolvers."""

import json

from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt

from shop.schema import schema


@csrf_exempt
async def later(request):
    """Answers one operation with `execute_async`."""
    body = json.loads(request.body)
    result = await schema.execute_async(
        body["query"], variables=body.get("variables"), operation_name=body.get("operationName"), context=request
    )
    answer = {"data": result.data}
    if result.errors:
        answer["errors"] = [{"message": error.message} for error in result.errors]
    return JsonResponse(answer)
