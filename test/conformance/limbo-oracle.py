"""OpenSSL's verdicts, by Python's ssl with the settings of vouch: partial chains, subjectAltName only, whole wildcards.

A question is {"host": ..., "port": ..., "anchors": PEM}; its answer is "trusted" or OpenSSL's words.
"""

import concurrent.futures
import socket
import ssl

from oracle import answer


def verdict(question):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.hostname_checks_common_name = False
    host = question["host"]
    try:
        context.load_verify_locations(cadata=question["anchors"])
        with socket.create_connection((question["address"], question["port"]), timeout=30) as tcp:
            with context.wrap_socket(tcp, server_hostname=host):
                return "trusted"
    except ssl.SSLCertVerificationError as error:
        return "hostname mismatch" if error.verify_code in (62, 64) else error.verify_message
    except (ssl.SSLError, ValueError) as error:
        return str(error)


def ask(questions):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(verdict, questions))


answer(ask)
