"""What the oracles have in common: questions as JSON on stdin, answers and the versions of what answered on stdout."""

import json
import ssl
import sys

import requests
import urllib3


def answer(ask):
    """`ask` gets what was read, and returns a list of answers."""
    answers = ask(json.load(sys.stdin))
    versions = {
        "python": list(sys.version_info[:3]),
        "requests": requests.__version__,
        "urllib3": urllib3.__version__,
        "openssl": ssl.OPENSSL_VERSION.split()[1],
    }
    json.dump({"versions": versions, "answers": answers}, sys.stdout)
