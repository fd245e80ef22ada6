"""A home directory and an environment that spoil whatever reads them."""

from pathlib import Path

_FILES = {
    # It takes the place of a request's own `Authorization`.
    ".netrc": "default login netrc-canary password netrc-canary\n",
    ".aws/config": "this is not = [a configuration\n",
    ".aws/credentials": "[default\naws_access_key_id = file-canary\n",
}
_PROXY = "http://127.0.0.1:9"


def environment(home: Path) -> dict[str, str]:
    """Write the files into a directory, and return the variables that go with it."""
    for name, text in _FILES.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {
        "HOME": str(home),
        "NETRC": str(home / ".netrc"),
        "REQUESTS_CA_BUNDLE": str(home / "no-such-file"),
        "LC_ALL": "tr_TR.ISO-8859-9",
        "NO_PROXY": "",
        "no_proxy": "",
        **dict.fromkeys((*proxies, *map(str.lower, proxies)), _PROXY),
    }


def aws_environment(home: Path) -> dict[str, str]:
    """Return the variables of the AWS SDKs; moto reads them, too, so no test that uses it can have them."""
    return {
        "AWS_PROFILE": "nobody",
        "AWS_CONFIG_FILE": str(home / ".aws/config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / ".aws/credentials"),
        "AWS_CA_BUNDLE": str(home / "no-such-file"),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
