"""Python requests as the judge: answers a list of questions (JSON on stdin) with verdicts (JSON on stdout).

A question is one of
    {"kind": "get", "url": ..., "verify": path | true | false, "cert": [certificate, key]}
    {"kind": "settle", "how": "request" | "send", "trust_env": ..., "env": {...}, "session": ..., "call": ...}

The answer to `get` is "trusted", "refused" (the certificate) or "bundle" (the trust source cannot be used); to `settle`,
the value of `verify` that reaches the adapter. A `call` of "omitted" is not passed at all.
"""

import concurrent.futures
import os
import socket

import requests
import requests.adapters
import urllib3

from oracle import answer

urllib3.disable_warnings()
resolve = socket.getaddrinfo


def resolve_test_names(host, *rest, **options):
    """Names under .test lead to loopback."""
    name = host.decode() if isinstance(host, bytes) else host
    return resolve("127.0.0.1" if name and name.endswith(".test") else host, *rest, **options)


socket.getaddrinfo = resolve_test_names


def get(question):
    session = requests.Session()
    session.trust_env = False
    try:
        with session:
            session.get(question["url"], verify=question["verify"], cert=tuple(question.get("cert", ())) or None, timeout=30)
        return "trusted"
    except requests.exceptions.SSLError as error:
        text = str(error)
        if "CERTIFICATE_VERIFY_FAILED" in text or "CertificateError" in text:
            return "refused"
        return "bundle" if is_bundle(text) else text
    except requests.exceptions.RequestException as error:
        return f"{type(error).__name__}: {error}"
    except OSError as error:
        return "bundle" if "invalid path" in str(error) else f"{type(error).__name__}: {error}"


def is_bundle(text):
    """What loading a file of certificates fails with, as opposed to a handshake."""
    return "NO_CERTIFICATE_OR_CRL_FOUND" in text or "PEM lib" in text or "[X509" in text or "unknown error" in text


class Recorder(requests.adapters.BaseAdapter):
    """Notes what it is asked to trust and answers at once."""

    def send(self, request, **options):
        self.verify = options["verify"]
        response = requests.Response()
        response.status_code = 200
        response.request = request
        response.url = request.url
        response._content = b""
        response.raw = None
        return response

    def close(self):
        pass


def settle(question):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        os.environ.pop(name, None)
    os.environ.update(question["env"])
    recorder = Recorder()
    session = requests.Session()
    session.mount("https://", recorder)
    session.trust_env = question["trust_env"]
    session.verify = question["session"]
    call = {} if question["call"] == "omitted" else {"verify": question["call"]}
    if question["how"] == "send":
        session.send(session.prepare_request(requests.Request("GET", "https://localhost/")), **call)
    else:
        session.request("GET", "https://localhost/", **call)
    return recorder.verify


def ask(questions):
    answers = [settle(question) if question["kind"] == "settle" else None for question in questions]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        asked = [index for index, question in enumerate(questions) if question["kind"] == "get"]
        for index, each in zip(asked, pool.map(lambda index: get(questions[index]), asked)):
            answers[index] = each
    return answers


answer(ask)
