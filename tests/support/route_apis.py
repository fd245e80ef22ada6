"""An HTTP API from SAM, one from CloudFormation's own resources, and a WebSocket API; for tests of the gateway."""

from typing import Any

Json = dict[str, Any]
NAME = "routes-test"
ORIGIN = "https://page.example"
CODE = """
import json, time
def handler(event, context):
    sent = '{}' if event.get('isBase64Encoded') else event.get('body') or '{}'
    do = (event.get('queryStringParameters') or {}).get('do') or json.loads(sent).get('do')
    if 'fail' in event or do == 'fail': raise Exception(event.get('fail', 'it') + ' not found')
    if 'greet' in event: return {'greeting': event['greet']}
    if do == 'sleep': time.sleep(0.3)
    if do == 'short': return {'hello': 'short'}
    if do == 'text': return 'Hello'
    status = 418 if do == 'refuse' else 200
    headers = {'Access-Control-Allow-Origin': 'https://other.example'}
    if do == 'protocol': headers = {'Sec-WebSocket-Protocol': 'chosen'}
    return {'statusCode': status, 'headers': headers, 'cookies': ['a=1', 'b=2'], 'body': json.dumps(event)}
"""


def of_type(kind: str, **properties: Any) -> Json:
    return {"Type": kind, "Properties": properties}


def ref(name: str) -> Json:
    return {"Ref": name}


def arn(name: str) -> Json:
    return {"Fn::GetAtt": [name, "Arn"]}


def sub(text: str) -> Json:
    return {"Fn::Sub": text}


def on(method: str, path: str, **more: Any) -> Json:
    return of_type("HttpApi", ApiId=ref("Sam"), Method=method, Path=path, **more)


def role(action: str) -> Json:
    def statement(**more: Any) -> Json:
        return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **more}]}

    trust = statement(Principal={"Service": "apigateway.amazonaws.com"}, Action="sts:AssumeRole")
    policy = {"PolicyName": "calls", "PolicyDocument": statement(Action=action, Resource="*")}
    return of_type("AWS::IAM::Role", AssumeRolePolicyDocument=trust, Policies=[policy])


def authorizer(function: str, **more: Any) -> Json:
    """An authorizer; SAM makes no permission to call its function unless it is told to."""
    simple = {"AuthorizerPayloadFormatVersion": "2.0", "EnableSimpleResponses": True}
    return {"FunctionArn": arn(function), "Identity": {"Headers": ["X-A"]}, **simple, **more}


def http_apis(max_age: int) -> Json:
    jwt = {"issuer": sub("https://cognito-idp.${AWS::Region}.amazonaws.com/${Pool}"), "audience": [ref("Client")]}
    events = {
        "Default": of_type("HttpApi", ApiId=ref("Sam")),
        "Item": on("get", "/items/{id}"),
        "Whole": on("get", "/deep/{first}/{second}"),
        "Greedy": on("get", "/deep/er/{all+}"),
        "All": on("any", "/items/{all+}"),
        "Secure": on("get", "/secure", Auth={"Authorizer": "Jwt"}),
        "Scoped": on("get", "/scoped", Auth={"Authorizer": "Jwt", "AuthorizationScopes": ["shop/read"]}),
        "Asked": on("get", "/asked", Auth={"Authorizer": "Asked"}),
        "Unasked": on("get", "/unasked", Auth={"Authorizer": "Unasked"}),
        "Old": on("get", "/old", PayloadFormatVersion="1.0"),
        "Late": on("get", "/late", TimeoutInMillis=50),
    }
    cors = {"AllowOrigins": [ORIGIN], "AllowMethods": ["GET"], "AllowHeaders": ["x-y"], "MaxAge": max_age}
    return {
        "Pool": of_type("AWS::Cognito::UserPool"),
        "Client": of_type(
            "AWS::Cognito::UserPoolClient",
            UserPoolId=ref("Pool"),
            ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        ),
        "Function": of_type(
            "AWS::Serverless::Function",
            Runtime="python3.13",
            Handler="index.handler",
            InlineCode=CODE,
            Events=events,
        ),
        **dict.fromkeys(
            ("Authorize", "Unasked"),
            of_type(
                "AWS::Serverless::Function",
                Runtime="python3.13",
                Handler="index.handler",
                InlineCode="def handler(event, context): return {'isAuthorized': True, 'context': {'said': 'yes'}}",
            ),
        ),
        "Sam": of_type(
            "AWS::Serverless::HttpApi",
            StageVariables={"colour": "blue"},
            CorsConfiguration=cors,
            Auth={
                "Authorizers": {
                    "Jwt": {"IdentitySource": "$request.header.Authorization", "JwtConfiguration": jwt},
                    "Asked": authorizer("Authorize", EnableFunctionDefaultPermissions=True),
                    "Unasked": authorizer("Unasked"),
                }
            },
        ),
        "Plain": of_type(
            "AWS::ApiGatewayV2::Api",
            Name="plain",
            ProtocolType="HTTP",
            CorsConfiguration={"AllowOrigins": ["https://*"]},
        ),
        "PlainFunction": of_type(
            "AWS::ApiGatewayV2::Integration",
            ApiId=ref("Plain"),
            IntegrationType="AWS_PROXY",
            IntegrationUri=arn("Function"),
            PayloadFormatVersion="2.0",
        ),
        **{
            f"PlainRoute{number}": of_type(
                "AWS::ApiGatewayV2::Route",
                ApiId=ref("Plain"),
                RouteKey=key,
                Target=sub("integrations/${PlainFunction}"),
            )
            for number, key in enumerate(("GET /named", "GET /forbidden", "OPTIONS /named"))
        },
        "PlainGuarded": of_type(
            "AWS::ApiGatewayV2::Route",
            ApiId=ref("Plain"),
            RouteKey="ANY /guarded",
            AuthorizationType="AWS_IAM",
            Target=sub("integrations/${PlainFunction}"),
        ),
        "PlainStage": of_type("AWS::ApiGatewayV2::Stage", ApiId=ref("Plain"), StageName="test", AutoDeploy=True),
        "PlainPermission": of_type(
            "AWS::Lambda::Permission",
            FunctionName=ref("Function"),
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=sub("arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Plain}/test/*/named"),
        ),
    }


def web_socket_api(greeting: str) -> Json:
    resources: Json = {
        "Chat": of_type(
            "AWS::ApiGatewayV2::Api",
            Name="chat",
            ProtocolType="WEBSOCKET",
            RouteSelectionExpression="${request.body.action}",
        ),
        "ChatStage": of_type("AWS::ApiGatewayV2::Stage", ApiId=ref("Chat"), StageName="test", AutoDeploy=True),
        "ChatPermission": of_type(
            "AWS::Lambda::Permission",
            FunctionName=ref("Function"),
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=sub("arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Chat}/*"),
        ),
        "Queue": of_type("AWS::SQS::Queue", QueueName=f"{NAME}-queue"),
        "Sender": role("sqs:SendMessage"),
    }
    path = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations"
    function = {"IntegrationUri": sub(path), "IntegrationMethod": "POST"}
    mapped = {
        "$default": f'{{"greet": "$input.path(\'$.name\') $context.routeKey {greeting}"}}',
        "bad": '{"fail": "it"}',
    }
    form = "Action=SendMessage&QueueUrl=$util.urlEncode('${Queue}')&MessageBody=$util.urlEncode($input.body)"
    integrations = {
        "Proxy": {"IntegrationType": "AWS_PROXY", **function},
        "Mapped": {
            "IntegrationType": "AWS",
            **function,
            "RequestTemplates": mapped,
            "TemplateSelectionExpression": "${request.body.kind}",
        },
        "Mock": {
            "IntegrationType": "MOCK",
            "RequestTemplates": {"$default": '{"statusCode": 200}'},
        },
        "Service": {
            "IntegrationType": "AWS",
            "IntegrationMethod": "POST",
            "CredentialsArn": arn("Sender"),
            "IntegrationUri": sub("arn:aws:apigateway:${AWS::Region}:sqs:path/"),
            "RequestParameters": {
                "integration.request.header.Content-Type": "'application/x-www-form-urlencoded'",
            },
            "RequestTemplates": {"$default": sub(form)},
        },
    }
    for name, properties in integrations.items():
        resources[name] = of_type("AWS::ApiGatewayV2::Integration", ApiId=ref("Chat"), **properties)
    answers = {
        "MappedAnswer": ("Mapped", "$default", f'{{"{greeting}": "$input.path(\'$.greeting\')"}}'),
        "MappedError": ("Mapped", "/.*not found.*/", '{"lost": "$input.path(\'$.errorMessage\')"}'),
        "MockAnswer": ("Mock", "/2\\d\\d/", '{"mocked": "$context.connectionId"}'),
    }
    for name, (integration, key, template) in answers.items():
        resources[name] = of_type(
            "AWS::ApiGatewayV2::IntegrationResponse",
            ApiId=ref("Chat"),
            IntegrationId=ref(integration),
            IntegrationResponseKey=key,
            ResponseTemplates={"$default": template},
        )
    routes = {
        "$connect": ("Proxy", False),
        "oneway": ("Proxy", False),
        "twoway": ("Proxy", True),
        "mapped": ("Mapped", True),
        "mock": ("Mock", True),
        "silent": ("Mock", False),
        "queue": ("Service", False),
    }
    for number, (key, (integration, answers_back)) in enumerate(routes.items()):
        route = {"ApiId": ref("Chat"), "RouteKey": key, "Target": sub(f"integrations/${{{integration}}}")}
        if answers_back:
            route["RouteResponseSelectionExpression"] = "$default"
            resources[f"Back{number}"] = of_type(
                "AWS::ApiGatewayV2::RouteResponse",
                ApiId=ref("Chat"),
                RouteId=ref(f"Route{number}"),
                RouteResponseKey="$default",
            )
        resources[f"Route{number}"] = of_type("AWS::ApiGatewayV2::Route", **route)
    return resources


def template(greeting: str = "said", max_age: int = 60) -> Json:
    """Return a template; the arguments are what may change."""
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {**http_apis(max_age), **web_socket_api(greeting)},
        "Outputs": {name: {"Value": ref(name)} for name in ("Sam", "Plain", "Chat", "Pool", "Client")},
    }
