"""Runs a client of Authlib that obeys commands on its standard input: one line of JSON for each command and its answer."""

import json
import os
import secrets
import sys

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session

settings = json.loads(sys.argv[1])
server = settings["server"]
session = OAuth2Session(
    settings["client_id"],
    settings["client_secret"],
    redirect_uri=settings["redirect_uri"],
    code_challenge_method=settings.get("challenge_method"),
    token_endpoint_auth_method=settings.get("auth_method", "client_secret_basic"),
)
pending = {}


def begin(more):
    verifier = secrets.token_urlsafe(48) if settings.get("challenge_method") else None
    url, state = session.create_authorization_url(f"{settings['pages']}/authorize", code_verifier=verifier, **more)
    pending.update(state=state, verifier=verifier)
    return {"url": url}


def finish(url, **more):
    verifier = more.pop("code_verifier", pending["verifier"])
    more = more | ({"code_verifier": verifier} if verifier else {})
    return session.fetch_token(f"{server}/token", authorization_response=url, state=pending["state"], **more)


def act(command):
    what = command.pop("do")
    if what == "begin":
        return begin(command)
    if what == "finish":
        return finish(**command)
    if what == "refresh":
        return session.refresh_token(f"{server}/token", **command)
    if what == "introspect":
        return session.introspect_token(f"{server}/introspect", **command).json()
    answer = session.revoke_token(f"{server}/revoke", **command)
    return {"status": answer.status_code}


print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    try:
        answer = act(json.loads(line))
    except AuthlibBaseError as error:
        answer = {"error": error.error, "description": error.description, "kind": type(error).__name__}
    print(json.dumps(answer), flush=True)
