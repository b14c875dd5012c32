"""Runs requests' side of the wire cases (JSON on stdin: the server's URL, and a list of Python expressions).

Each expression sees `requests`, a fresh session `S` and the URL `U`; before each, the server is told its number. What it
gives (a response, or anything that is JSON) is described on stdout, an exception by its class and message.
"""

import hashlib
import io
import os
import urllib.request

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from oracle import answer

for name in list(os.environ):
    if name.lower().endswith("_proxy") or name.endswith("_CA_BUNDLE") or name == "NETRC":
        del os.environ[name]
os.environ["NETRC"] = "/nonexistent"


def describe(value):
    if not isinstance(value, requests.Response):
        return "NaN" if value != value else value
    return {
        "status": value.status_code,
        "reason": value.reason,
        "url": value.url,
        "history": [[each.status_code, each.url] for each in value.history],
        "encoding": value.encoding,
        "content": hashlib.sha256(value.content).hexdigest(),
        "text": value.text[:2000],
        "ok": value.ok,
        "isRedirect": value.is_redirect,
        "isPermanentRedirect": value.is_permanent_redirect,
        "next": value.next and [value.next.method, value.next.url],
        "links": {name: dict(sorted(link.items())) for name, link in sorted(value.links.items())},
        "setCookies": dict(value.cookies.items()),
        "type": value.headers.get("content-type"),
    }


def reader(data):
    return io.BytesIO(data)


def pieces(*chunks):
    yield from chunks


def token_auth(request):
    request.headers["Authorization"] = "Token t"
    return request


def ask(given):
    base, cases = given
    answers = []
    for index, source in enumerate(cases):
        urllib.request.urlopen(f"{base}/__case__/{index}").read()
        session = requests.Session()
        scope = {**globals(), "S": session, "U": base, "L": base.replace("127.0.0.1", "localhost")}
        try:
            result = describe(eval(source, scope))
        except Exception as error:  # whatever it is, it is the answer
            names = [each.__name__ for each in type(error).__mro__]
            result = {"error": type(error).__name__, "isRequestException": "RequestException" in names}
            if isinstance(error, requests.HTTPError):
                result["message"] = str(error)
        cookies = sorted([each.name, each.value] for each in session.cookies)
        session.close()
        answers.append({"result": result, "cookies": cookies})
    return answers


answer(ask)
