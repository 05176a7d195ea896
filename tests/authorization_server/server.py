"""Runs an authorization server and an API of Authlib on a local port, and prints its port and keys as one line of JSON.

The paths below /control are for tests: they show the token requests, and change what happens next.
"""

import json
import os
import threading
import time

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector, current_token
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.models import ClientMixin, TokenMixin
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7523 import JWTBearerGrant
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from flask import Flask, Response, jsonify, request
from joserfc import jwk
from werkzeug.serving import WSGIRequestHandler, make_server

SECRET = "client s3cr3t:9f/2c+7e"
FIRST_REFRESH = "first-refresh-token-5d81aa"
OTHER_REFRESH = "other-refresh-token-77b0c3"
PATIENCE = 60

lock = threading.RLock()
tokens = []
seen = []
settings = {"expires_in": 3600, "down": 0}
gate = threading.Event()
gate.set()


class Client(ClientMixin):
    def __init__(self, client_id, keys=None):
        self.client_id = client_id
        self.keys = keys

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return None

    def get_allowed_scope(self, scope):
        return " ".join(s for s in (scope or "").split() if s in ("contacts", "users"))

    def check_redirect_uri(self, redirect_uri):
        return False

    def check_client_secret(self, client_secret):
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method, endpoint):
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type):
        return False

    def check_grant_type(self, grant_type):
        return True


class Token(TokenMixin):
    """A token of a family: tokens that descend from one refresh token."""

    def __init__(self, client_id, family, access_token, refresh_token, scope, expires_in):
        self.client_id = client_id
        self.family = family
        self.access_token = access_token
        self.refresh_token = refresh_token
        self.scope = scope
        self.expires_in = expires_in
        self.issued_at = time.time()
        self.revoked = False

    def check_client(self, client):
        return self.client_id == client.client_id

    def get_scope(self):
        return self.scope

    def get_expires_in(self):
        return self.expires_in

    def is_expired(self):
        return time.time() > self.issued_at + self.expires_in

    def is_revoked(self):
        return self.revoked

    def get_user(self):
        return "ana"

    def get_client(self):
        return clients[self.client_id]


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ec_key = ec.generate_private_key(ec.SECP256R1())


def public(key, kind):
    text = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return jwk.import_key(text, kind)


clients = {
    "crm": Client("crm"),
    "signer-rsa": Client("signer-rsa", public(rsa_key, "RSA")),
    "signer-ec": Client("signer-ec", public(ec_key, "EC")),
}


class RefreshTokenGrant(grants.RefreshTokenGrant):
    INCLUDE_NEW_REFRESH_TOKEN = True
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

    def authenticate_refresh_token(self, refresh_token):
        with lock:
            token = next((token for token in tokens if token.refresh_token == refresh_token), None)
            if not token:
                return None
            if token.revoked:
                # The second use may be a thief's: all tokens of the family end.
                for other in tokens:
                    other.revoked |= other.family == token.family
                return None
            return token

    def authenticate_user(self, refresh_token):
        return "ana"

    def revoke_old_credential(self, refresh_token):
        refresh_token.revoked = True


class SignedGrant(JWTBearerGrant):
    def resolve_issuer_client(self, issuer):
        return clients.get(issuer)

    def resolve_client_public_key(self, client):
        return client.keys

    def authenticate_user(self, subject):
        return subject if subject == "ana@crm.test" else None

    def has_granted_permission(self, client, user):
        return True

    def get_audiences(self):
        return ["https://login.test/audience"]


class ClientCredentialsGrant(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]


def save_token(token, oauth_request):
    with lock:
        spent = getattr(oauth_request, "refresh_token", None)
        family = spent.family if spent else len(tokens)
        client_id = oauth_request.client.client_id
        scope, expires_in = token.get("scope", ""), token["expires_in"]
        tokens.append(
            Token(client_id, family, token["access_token"], token.get("refresh_token"), scope, expires_in)
        )


class Validator(BearerTokenValidator):
    def authenticate_token(self, token_string):
        with lock:
            return next((token for token in tokens if token.access_token == token_string), None)


app = Flask("authorization-server")
app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
server = AuthorizationServer(app, clients.get, save_token)
server.register_grant(ClientCredentialsGrant)
server.register_grant(RefreshTokenGrant)
server.register_grant(SignedGrant)
server.register_token_generator(
    "default",
    type(server.create_bearer_token_generator(app.config))(
        lambda **_: os.urandom(24).hex(), lambda **_: os.urandom(24).hex(), lambda *_: settings["expires_in"]
    ),
)
protected = ResourceProtector()
protected.register_token_validator(Validator())

for refresh in (FIRST_REFRESH, OTHER_REFRESH):
    tokens.append(Token("crm", refresh, f"expired-{refresh}", refresh, "contacts users", 0))


@app.post("/token")
def issue_token():
    basic = request.headers.get("authorization", "").startswith("Basic ")
    form = request.form
    entry = {"grant": form.get("grant_type"), "basic": basic, "scope": form.get("scope"), "status": None}
    entry["refresh_token"] = form.get("refresh_token")
    entry["note"] = form.get("note")
    with lock:
        seen.append(entry)
    gate.wait(PATIENCE)
    if settings["down"] == 302:
        response = Response("", status=302, headers={"location": "/token"})
    elif settings["down"]:
        response = Response(f"no service for {form.get('refresh_token')}", status=settings["down"])
    else:
        response = server.create_token_response()
    entry["status"] = response.status_code
    return response


@app.route("/api/hello", methods=["GET", "POST"])
@protected()
def hello():
    return f"hello {request.get_data(as_text=True)}".strip()


@app.route("/api/echo")
@protected()
def echo():
    return f"you sent {current_token.access_token}"


@app.route("/api/denied")
def denied():
    return Response("denied", status=401)


@app.get("/control/state")
def state():
    with lock:
        texts = [text for token in tokens for text in (token.access_token, token.refresh_token) if text]
        return jsonify({"requests": seen, "tokens": texts})


@app.post("/control/set")
def change():
    body = request.get_json()
    settings.update(body.get("settings", {}))
    if "open" in body:
        gate.set() if body["open"] else gate.clear()
    return ""


@app.post("/control/revoke")
def revoke():
    """Ends all access tokens, but no refresh token."""
    with lock:
        for token in tokens:
            token.issued_at = 0
    return ""


class Quiet(WSGIRequestHandler):
    def log(self, *_):
        pass


listener = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
ready = {"port": listener.server_port, "secret": SECRET, "first_refresh": FIRST_REFRESH, "other_refresh": OTHER_REFRESH}
print(json.dumps(ready | {"rsa": pem(rsa_key), "ec": pem(ec_key)}), flush=True)
listener.serve_forever()
