"""Verifies a decision from what GET …/evidence says of it, offline and with a library that others wrote.

python evidence.py: reads one item of the evidence, as JSON; prints what of it holds. Knows nothing of this server but what
its OpenAPI document says of a proof.
"""

import base64
import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor


def bytes_of(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


proof = json.load(sys.stdin)["proof"]
client_data, data = bytes_of(proof["clientDataJSON"]), bytes_of(proof["authenticatorData"])
said = json.loads(client_data)
challenge = sha256(
    proof["domain"].encode(), b"\0", bytes_of(proof["nonce"]), sha256(proof["text"].encode())
)
cose = cbor.decode(bytes_of(proof["publicKey"]))
key = ec.EllipticCurvePublicNumbers(
    int.from_bytes(cose[-2], "big"), int.from_bytes(cose[-3], "big"), ec.SECP256R1()
).public_key()
try:
    key.verify(bytes_of(proof["signature"]), data + sha256(client_data), ec.ECDSA(hashes.SHA256()))
    signed = True
except InvalidSignature:
    signed = False
print(
    json.dumps(
        {
            "signed": signed,
            "text": bytes_of(said["challenge"]) == challenge,
            "type": said["type"] == "webauthn.get",
            "origin": said["origin"] == proof["origin"],
            "rpId": data[:32] == sha256(proof["rpId"].encode()),
            "userPresent": bool(data[32] & 1),
            "userVerified": bool(data[32] & 4),
        }
    )
)
