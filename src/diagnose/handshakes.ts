/**
 * Handshakes that failed for other reasons than the server's certificate: TLS alerts by number (RFC 8446, section 6)
 * and OpenSSL errors by code (`SSL_R_…`). Each way out was tried with Node 22, 24 and 26.
 */
import { documentation } from '../core/documentation.ts'
import type { SSLErrorReason } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import type { Reason } from './problem.ts'
import { LOWER_LEVEL, MAYBE_HTTP } from './texts.ts'

/**
 * The row for an error of a handshake; `undefined` if it is not of OpenSSL's TLS.
 *
 * @param client the display name of the client certificate that was given
 */
export function handshakeReason(code: string, message: string, client: string | undefined): Reason | undefined {
  const alert = alertOf(code, message)
  if (alert !== undefined) return alertReason(alert, client)
  const number = errorNumber(message)
  const known = number === undefined ? BY_CODE.get(code) : ERRORS.get(number)
  if (known) return known
  if (code !== 'EPROTO' && !/^ERR_(?:SSL|TLS)_/.test(code)) return undefined
  const words = opensslWords(message)
  if (!UNREADABLE.test(message)) return row('other', words)
  if (/signature/i.test(words)) return BAD_PROOF
  return row(
    'protocol',
    `what the server sent in the handshake cannot be read (${words})`,
    MAYBE_DAMAGED,
    CHANGED_BYTES,
  )
}

/** The parts of OpenSSL that read certificates, keys and signatures. */
const UNREADABLE =
  /error:[\dA-F]+:(?:asn1 encoding|digital envelope|x509 certificate|elliptic curve|rsa|DECODER) routines:/i

const row = (reason: SSLErrorReason, summary: string, ...hints: string[]): Reason => ({ reason, summary, hints })

/** OpenSSL writes `SSL alert number 40` behind its message, and gives an alert the number 1000 + 40. */
function alertOf(code: string, message: string): number | undefined {
  const [, written] = /SSL alert number (\d+)/.exec(message) ?? []
  if (written !== undefined) return Number(written)
  const number = errorNumber(message)
  return number !== undefined && number >= ALERTS_FROM
    ? number - ALERTS_FROM
    : ALERT_CODES.get(code.replace('SSL/TLS', 'SSLV3'))
}

const ALERTS_FROM = 1000

/** The reason in `error:0A000152:SSL routines:…`, where 0A is TLS. Some versions of Node report no code but EPROTO. */
function errorNumber(message: string): number | undefined {
  const [, digits] = /error:0A([\dA-F]{6}):/i.exec(message) ?? []
  return digits === undefined ? undefined : Number.parseInt(digits, 16)
}

/** The words in `C0E7…:error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert …:../deps/openssl/…:`. */
function opensslWords(message: string): string {
  const words = /error:[0-9A-F]+:[^:]*:[^:]*:([^:]+)/i.exec(message)?.[1] ?? message.split('\n')[0] ?? message
  return printable(words)
}

/* Ways out. */

const OLD_SERVERS = documentation('guides/old-servers.md')
const OLD_TLS = `for a server that cannot be updated: node --tls-min-v1.0 --tls-cipher-list=DEFAULT@SECLEVEL=0, which weakens every connection of the process; see ${OLD_SERVERS}`
const OLD_CIPHERS = `or an old server has no cipher in common: node --tls-cipher-list=ALL@SECLEVEL=0, which weakens every connection of the process; see ${OLD_SERVERS}`
const NO_TLS_1_3 = `it may be incompatible with TLS 1.3: try node --tls-max-v1.2; see ${OLD_SERVERS}`
const CHANGED_BYTES =
  'try without the proxy or filter in between; otherwise the server is defective, and its owner must repair it'
const MAYBE_DAMAGED = 'its certificate may be damaged, or have a key of a kind that OpenSSL does not know'
const GIVE_CLIENT = "give one: cert: ['client.crt', 'client.key']"
const MAYBE_CLIENT = "if the server wants a client certificate, give one: cert: ['client.crt', 'client.key']"

/** For a server that closes the connection in the handshake without an alert. */
export function closedReason(client: string | undefined): Reason {
  return row(
    'protocol',
    'the server closed the connection during the TLS handshake',
    CLOSED_EARLY,
    client === undefined ? MAYBE_CLIENT : `or it does not accept the client certificate (${client})`,
    NO_TLS_1_3,
    OLD_TLS,
  )
}

const CLOSED_EARLY = 'it may be too old, not know the requested name, or be behind a filter'

const NOT_TLS = row('not-tls', 'the server does not speak TLS on this port', MAYBE_HTTP)
const OLD_PROTOCOL = row(
  'protocol',
  'no TLS version in common with the server',
  "the server's owner must enable TLS 1.2 or 1.3: older versions are broken, and Node disables them",
  OLD_TLS,
)
const NEEDS_CLIENT = row('client-certificate', 'the server asks for a client certificate', GIVE_CLIENT)
const ACCEPTED =
  'give one that it accepts: of a CA that it trusts, not expired, for clients (extendedKeyUsage clientAuth)'

function refused(client: string, why: string, hint: string): Reason {
  return row('client-certificate', `the server refuses the client certificate${why}`, `${hint} (${client})`)
}

/** Why a server refuses a client certificate, and what helps. */
const REFUSALS: ReadonlyMap<number, readonly [why: string, hint: string]> = new Map([
  [42, ['', ACCEPTED]],
  [
    43,
    [
      ': it is of a type that the server does not support',
      'give one with another type of key, for clients (clientAuth)',
    ],
  ],
  [44, [': it was revoked', 'have a new one issued']],
  [45, [': it has expired', "have it renewed; if it is valid here, check the server's clock"]],
  [46, ['', ACCEPTED]],
  [
    48,
    [
      ': the server does not know its CA',
      'give one of a CA that the server trusts, with the intermediate certificates after it; or have its owner trust that CA',
    ],
  ],
  [49, [': access denied', 'it may be valid but not permitted there: ask the owner of the server']],
  [51, [': its signature was not accepted', 'check that certificate and key belong together, and the type of the key']],
])

function alertReason(alert: number, client: string | undefined): Reason {
  const refusal = REFUSALS.get(alert)
  if (refusal && client !== undefined) return refused(client, ...refusal)
  if (alert === HANDSHAKE_FAILURE) return handshakeFailure(client)
  if (alert === CERTIFICATE_REQUIRED && client !== undefined) {
    const hint =
      'the given one was not sent, since its type or its CA is not among those that the server asks for: give another one'
    return row(
      'client-certificate',
      'the server asks for a client certificate and got none that it accepts',
      `${hint} (${client})`,
    )
  }
  return ALERTS.get(alert) ?? row('protocol', `the server ended the handshake (TLS alert ${alert})`, NO_TLS_1_3)
}

const HANDSHAKE_FAILURE = 40
const CERTIFICATE_REQUIRED = 116

function handshakeFailure(client: string | undefined): Reason {
  return client === undefined
    ? row(
        'protocol',
        'the server ended the handshake: no cipher in common, or it wants a client certificate',
        MAYBE_CLIENT,
        OLD_CIPHERS,
      )
    : row(
        'protocol',
        'the server ended the handshake: no cipher in common, or it does not accept the client certificate',
        `check that the server trusts the CA of the client certificate, and that it has not expired (${client})`,
        OLD_CIPHERS,
      )
}

const ended = (alert: string, ...hints: string[]): Reason =>
  row('protocol', `the server ended the handshake (${alert})`, ...(hints.length > 0 ? hints : [NO_TLS_1_3]))

/** For an alert about a certificate of the client, which has sent none. */
const NO_CERTIFICATE_SENT =
  "no certificate was sent to it: a proxy or filter in transit may have rejected the server's own; try without that, or ask the server's owner for its log"

const MAYBE_ASKED = row('client-certificate', 'the server probably asks for a client certificate', GIVE_CLIENT)

/** Without a client certificate, as far as that matters. */
const ALERTS: ReadonlyMap<number, Reason> = new Map([
  [10, ended('unexpected message')],
  [20, ended('bad record MAC')],
  [22, ended('record overflow')],
  // Servers send these two if they get none.
  [42, MAYBE_ASKED],
  [46, MAYBE_ASKED],
  [43, ended('unsupported certificate', NO_CERTIFICATE_SENT)],
  [44, ended('certificate revoked', NO_CERTIFICATE_SENT)],
  [45, ended('certificate expired', NO_CERTIFICATE_SENT)],
  [47, ended('illegal parameter')],
  [48, ended('unknown CA', NO_CERTIFICATE_SENT)],
  [49, ended('access denied', "ask the server's owner what it requires of clients, such as their address")],
  [50, ended('decode error')],
  [51, row('protocol', 'the server could not verify the handshake (decrypt error)', CHANGED_BYTES)],
  [70, OLD_PROTOCOL],
  [
    71,
    row(
      'protocol',
      'the server requires stronger ciphers than were offered',
      'do not restrict them: --tls-cipher-list, NODE_OPTIONS',
    ),
  ],
  [80, row('protocol', 'the server ended the handshake (internal error)', "check the server's log", NO_TLS_1_3)],
  [86, OLD_PROTOCOL],
  [109, ended('missing extension')],
  [110, ended('unsupported extension')],
  [
    112,
    row(
      'protocol',
      'the server has no site of this name (unrecognized name)',
      'check the host in the URL: it must be a name that the server is set up for, not an address or another name of it',
      "if it is right, the server's owner must set up a site of this name",
    ),
  ],
  [CERTIFICATE_REQUIRED, NEEDS_CLIENT],
  [
    120,
    row(
      'protocol',
      'the server does not speak HTTP/1.1 on this port (no application protocol in common)',
      "its owner must allow HTTP/1.1 as well as HTTP/2; until then use a client of HTTP/2, such as node:http2 with the library's tlsOptions()",
    ),
  ],
])

const LEGACY_RENEGOTIATION = row(
  'protocol',
  'the server does not support secure renegotiation (unsafe legacy renegotiation disabled)',
  'update the server: it does not implement RFC 5746, of 2010',
  `for a server that cannot be updated: node --openssl-config=FILE with Options = UnsafeLegacyServerConnect in it; ${OLD_SERVERS} has the file`,
)
const MESSAGE_TOO_LARGE = row(
  'protocol',
  "the server's certificates are too large for a handshake (excessive message size)",
  "the server's owner must send fewer or smaller certificates: OpenSSL accepts 100 KB in total",
)
const WEAK_DH = row(
  'weak',
  "the server's Diffie-Hellman key is too small",
  'have the server use 2048 bits, or ECDHE',
  LOWER_LEVEL,
)
const BAD_PROOF = row(
  'protocol',
  "the server could not prove that it has its certificate's key, or something in transit changed bytes",
  CHANGED_BYTES,
)

const NOT_FOR_SIGNING = row(
  'wrong-purpose',
  "the server's certificate is not for signing",
  'its keyUsage lacks digitalSignature: its owner must have it issued again with that',
)

/** OpenSSL's errors by number. */
const ERRORS: ReadonlyMap<number, Reason> = new Map([
  [123, BAD_PROOF],
  [149, BAD_PROOF],
  [152, MESSAGE_TOO_LARGE],
  [156, NOT_TLS],
  [191, OLD_PROTOCOL],
  [198, NOT_TLS],
  [258, OLD_PROTOCOL],
  [267, NOT_TLS],
  [281, BAD_PROOF],
  [313, NOT_TLS],
  [318, NOT_FOR_SIGNING],
  [338, LEGACY_RENEGOTIATION],
  [394, WEAK_DH],
])

/** By Node's codes, for errors without OpenSSL's text. */
const BY_CODE: ReadonlyMap<string, Reason> = new Map([
  ['ERR_SSL_WRONG_VERSION_NUMBER', NOT_TLS],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', NOT_TLS],
  ['ERR_SSL_RECORD_LAYER_FAILURE', NOT_TLS],
  ['ERR_SSL_HTTP_REQUEST', NOT_TLS],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', OLD_PROTOCOL],
  ['ERR_SSL_NO_PROTOCOLS_AVAILABLE', OLD_PROTOCOL],
  ['ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED', LEGACY_RENEGOTIATION],
  ['ERR_SSL_EXCESSIVE_MESSAGE_SIZE', MESSAGE_TOO_LARGE],
  ['ERR_SSL_DH_KEY_TOO_SMALL', WEAK_DH],
])

const ALERT_CODES: ReadonlyMap<string, number> = new Map([
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 40],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 42],
  ['ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE', 43],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED', 44],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 45],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', 46],
  ['ERR_SSL_SSLV3_ALERT_UNKNOWN_CA', 48],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 48],
  ['ERR_SSL_TLSV1_ALERT_ACCESS_DENIED', 49],
  ['ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR', 51],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 70],
  ['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', 112],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', CERTIFICATE_REQUIRED],
  // BoringSSL's name, in Bun.
  ['ERR_SSL_TLSV1_ALERT_CERTIFICATE_REQUIRED', CERTIFICATE_REQUIRED],
  ['ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', 120],
])
