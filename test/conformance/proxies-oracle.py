"""The proxy that requests chooses, for cases as JSON on stdin: one for Session.request and one for Session.send each."""

import os

import requests
from requests.utils import resolve_proxies, select_proxy

from oracle import answer


def choose(case):
    os.environ.clear()
    os.environ.update(case["env"])
    url, call = case["url"], case["call"]
    session = requests.Session()
    session.proxies = dict(case["session"])
    # As in Session.request, and as in Session.send.
    merged = session.merge_environment_settings(url, dict(call or {}), None, None, None)["proxies"]
    request = requests.Request("GET", url).prepare()
    sent = resolve_proxies(request, session.proxies, True) if call is None else call
    return [select_proxy(url, merged) or None, select_proxy(url, sent) or None]


answer(lambda cases: [choose(case) for case in cases])
