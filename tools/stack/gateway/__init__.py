"""API Gateway's way of a request through a REST API, in the emulator's own process; a lesson to read in this order.

``way``           the order: method request, authorizer, validation, mapping, integration, mapping, response
``callers``       who may call: resource policy, authorizer, usage plan
``validation``    required parameters, and the body against its model
``exchange``      one request under way: what a mapping may name, and what it makes of it
``mapping``       the mapping language: ``$input``, ``$util``, ``$context``, ``$stageVariables``
``integrations``  the back end: mock, ``lambda_function``, ``http_endpoint`` or ``aws_service``
``permissions``   whether API Gateway may use that function, or role
``refusals``      gateway responses: what a client gets when the way ends early
``cache``         the stage's cache
``stages``        stage settings, canary, weighted aliases
``deployments``   a deployment is a snapshot of the API, and a stage serves one of them
``document``      the import of an OpenAPI document
``usage``         the records of usage plans
``watching``      access log and metrics

Functions name the page of AWS's documentation that they follow. AWS was not asked: what a page leaves open is our
reading of it.
"""
