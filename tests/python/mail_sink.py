"""A mail server that takes what it is sent, or does not: mail_sink.py MODE DIRECTORY

Modes: plain; starttls and tls, which want ann's password; refusing, which knows nobody; slow, which never says that it
took a message. Says its port on stdout, then each message as a line of JSON. DIRECTORY gets ca.pem.
"""

import asyncio
import email
import email.policy
import json
import socket
import ssl
import sys

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

MODE, DIRECTORY = sys.argv[1:]


class Sink:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if MODE == "refusing":
            return f"550 5.1.1 <{address}>: nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if MODE == "slow":
            await asyncio.sleep(3600)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        line = {
            "to": envelope.rcpt_tos,
            "from": str(message["from"]),
            "subject": str(message["subject"]),
            "automatic": str(message["auto-submitted"]),
            "type": message.get_content_type(),
            "text": message.get_content(),
            "encrypted": MODE == "tls" or session.ssl is not None,
            "user": session.auth_data.login.decode() if session.auth_data else None,
        }
        print(json.dumps(line), flush=True)
        return "250 OK"


def known(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"ann@example.com", b"pass:word/s3cret")
    return AuthResult(success=good, auth_data=data)


async def serve():
    authority = trustme.CA()
    authority.cert_pem.write_to_path(f"{DIRECTORY}/ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    options = {}
    if MODE == "starttls":
        options = {"tls_context": context, "require_starttls": True}
    if MODE in ("starttls", "tls"):
        options |= {"authenticator": known, "auth_required": True, "auth_require_tls": MODE == "starttls"}
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Sink(), hostname="localhost", **options),
        "localhost",
        0,
        family=socket.AF_INET,
        ssl=context if MODE == "tls" else None,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    # Until whoever started it is gone.
    await asyncio.to_thread(sys.stdin.read)


asyncio.run(serve())
