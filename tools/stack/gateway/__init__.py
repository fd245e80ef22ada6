"""API Gateway's way of a request through an API, in the emulator's own process; a lesson to read in this order.

REST APIs:

``way``           the order: method request, authorizer, validation, mapping, integration, mapping, response
``callers``       who may call: resource policy, authorizer, usage plan
``validation``    required parameters, and the body against its model
``exchange``      one request under way, and what mappings may name of it
``transformations``  the mappings to the integration and back: parameters, templates, overrides
``mapping``       the mapping language: ``$input``, ``$util``, ``$context``, ``$stageVariables``
``java``          the values in templates, and their methods
``payloads``      text and binary data: ``contentHandling``
``integrations``  the back end: mock, ``lambda_function``, ``http_endpoint`` or ``aws_service``
``permissions``   whether API Gateway may use that function, or role
``refusals``      gateway responses: what a client gets when the way ends early
``cache``         the stage's cache
``stages``        stage settings, canary, weighted aliases
``deployments``   a deployment is a snapshot of the API, and a stage serves one of them
``document``      the import of an OpenAPI document
``usage``         the records of usage plans
``watching``      access log and metrics

HTTP and WebSocket APIs, whose routes call the same integrations:

``routes``           a request or a message on its way through a route
``http_api``         stage, route, authorizer, function, and CORS around them
``http_payloads``    the two formats of events and answers
``messages``         which route a message selects, and what goes back
``connections``      what back ends see of a connection, and do with it
``sockets``          a connection's handshake and quotas
``route_resources``  CloudFormation's resources, and the import of an OpenAPI document

Left out of these: deployments (what is set up is live), models, API keys, throttles, service integrations and response
parameters of HTTP APIs, and templates of WebSocket responses that are selected by the status.

Functions name the page of AWS's documentation that they follow. AWS was not asked: what a page leaves open is our
reading of it.
"""
