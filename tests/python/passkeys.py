"""Registers a passkey and logs in with it, by Yubico's client library over an authenticator in software.

python passkeys.py verifying|lying URL: what the server answered, as JSON. The library reads the server's options, checks
what a browser checks, talks CTAP2 to the authenticator and writes the answers; `lying` is an authenticator that says it
verified its user and does not sign it.
"""

import json
import os
import sys
import urllib.error
import urllib.request

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.client import DefaultClientDataCollector, Fido2Client, UserInteraction
from fido2.cose import ES256
from fido2.ctap import CtapDevice
from fido2.hid import CAPABILITY
from fido2.utils import sha256
from fido2.webauthn import (
    Aaguid,
    AttestedCredentialData,
    AuthenticatorData,
    PublicKeyCredentialCreationOptions,
    PublicKeyCredentialRequestOptions,
)

AAGUID = Aaguid.parse("00112233-4455-6677-8899-aabbccddeeff")
MAKE_CREDENTIAL, GET_ASSERTION, GET_INFO = 1, 2, 4


class Authenticator(CtapDevice):
    """One that holds a single discoverable passkey and counts by three."""

    capabilities = CAPABILITY.CBOR

    def __init__(self, signs_that_it_verified):
        self.verified = AuthenticatorData.FLAG.UV if signs_that_it_verified else AuthenticatorData.FLAG(0)
        self.count = 100

    @classmethod
    def list_devices(cls):
        return iter([])

    def call(self, cmd, data=b"", event=None, on_keepalive=None):
        answer = {
            GET_INFO: self.info,
            MAKE_CREDENTIAL: self.make_credential,
            GET_ASSERTION: self.get_assertion,
        }[data[0]]
        return b"\0" + cbor.encode(answer(cbor.decode(data[1:]) if data[1:] else {}))

    def info(self, _):
        options = {"rk": True, "up": True, "uv": True}
        return {1: ["FIDO_2_0"], 3: bytes(AAGUID), 4: options, 6: [2, 1]}

    def make_credential(self, asked):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.rp_id, self.user, self.id = asked[2]["id"], asked[3], os.urandom(48)
        public = ES256.from_cryptography_key(self.key.public_key())
        attested = AttestedCredentialData.create(AAGUID, self.id, public)
        return {1: "none", 2: bytes(self.data(AuthenticatorData.FLAG.AT, attested)), 3: {}}

    def get_assertion(self, asked):
        assert asked[1] == self.rp_id
        self.count += 3
        data = bytes(self.data(AuthenticatorData.FLAG(0)))
        signature = self.key.sign(data + asked[2], ec.ECDSA(hashes.SHA256()))
        return {1: {"type": "public-key", "id": self.id}, 2: data, 3: signature, 4: {"id": self.user["id"]}}

    def data(self, flags, attested=b""):
        flags |= AuthenticatorData.FLAG.UP | self.verified
        return AuthenticatorData.create(sha256(self.rp_id.encode()), flags, self.count, attested)


class Agrees(UserInteraction):
    def request_uv(self, permissions, rp_id):
        return True


def main(which, url):
    def post(route, body):
        request = urllib.request.Request(
            f"{url}/v1/auth/fido/{route}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "X-Mobid-Key": os.environ["MOBID_TEST_KEY"]},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return json.load(opener.open(request))["data"]

    authenticator = Authenticator(which == "verifying")
    collector = DefaultClientDataCollector(url)
    client = Fido2Client(authenticator, collector, Agrees(), extensions=[])

    def register():
        begun = post("register/begin", {"userId": "ann", "displayName": "Ann"})
        made = client.make_credential(PublicKeyCredentialCreationOptions.from_dict(begun["publicKey"]))
        return post("register/complete", {"sessionId": begun["sessionId"], "credential": dict(made)})

    def log_in(wanted):
        begun = post("authenticate/begin", wanted)
        options = PublicKeyCredentialRequestOptions.from_dict(begun["publicKey"])
        shown = client.get_assertion(options).get_response(0)
        return post("authenticate/complete", {"sessionId": begun["sessionId"], "credential": dict(shown)})

    try:
        registered = register()
    except urllib.error.HTTPError as refused:
        return {"status": refused.code, "reason": json.load(refused)["data"]["reason"]}
    told = {"registered": registered, "byName": log_in({"userId": "ann"}), "byWhoeverIsThere": log_in({})}
    return told | {"signCount": authenticator.count}


if __name__ == "__main__":
    try:
        print(json.dumps(main(*sys.argv[1:])))
    except urllib.error.HTTPError as refused:
        sys.exit(f"{refused.url}: {refused.read().decode()}")
