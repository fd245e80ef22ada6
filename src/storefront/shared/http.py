"""HTTP sessions that take nothing from the environment: no proxy, no `~/.netrc`, no other certificates.

`requests` lets a `.netrc` replace the `Authorization` header of a request, and would send a person's password with it.
"""

import requests


def session() -> requests.Session:
    """Return a new session; only what a request names goes with it."""
    made = requests.Session()
    made.trust_env = False
    return made
