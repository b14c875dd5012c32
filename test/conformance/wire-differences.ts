/**
 * Where vouch sends or makes of an answer something else than Python requests, on purpose or because it does not matter:
 * one row per difference, with its reason. Whatever is not in this list fails the test, and so does a row that no case
 * needs any more.
 */
import { version } from '../../src/cli/version.ts'
import type { Accepted } from './tally.ts'

/** A request as it arrived, with what is bound to differ by chance (ports, boundaries) written the same. */
export interface WireRecord {
  method: string
  target: string
  /** `Name: value`, sorted. */
  headers: string[]
  /** latin-1 */
  body: string
}

/** What one side did: what arrived at its server, and what it made of the answers. */
export interface Outcome {
  arrived: WireRecord[]
  /** A description of the response, an error, or what the case asked for. */
  result: unknown
  cookies: [name: string, value: string][]
}

export interface WireDifference extends Accepted {
  /** Of which cases, by name; default: of all. */
  readonly cases?: RegExp
  /** Words of its row in docs/coming-from-requests.md, for differences that users may notice. */
  readonly listed?: string
  /** requests' outcome as it would be here; changes nothing where the difference does not show. */
  readonly adapt: (theirs: Outcome, ours: Outcome) => Outcome
}

/** A difference in header lines. */
const headers =
  (change: (line: string) => string | undefined) =>
  (theirs: Outcome): Outcome => {
    for (const request of theirs.arrived) {
      request.headers = request.headers.flatMap((line) => change(line) ?? []).sort()
    }
    return theirs
  }

/** A difference in what a case comes to: where `theirs` is as said, ours counts, which the test has to have seen as well. */
const instead =
  (theirError: RegExp | null, ourError: string | null) =>
  (theirs: Outcome, ours: Outcome): Outcome => {
    const their = errorOf(theirs)
    const fits = theirError === null ? their === undefined : theirError.test(their ?? '')
    return fits && (errorOf(ours) ?? null) === ourError ? { ...ours, arrived: theirs.arrived } : theirs
  }

function errorOf({ result }: Outcome): string | undefined {
  return (result as { error?: string } | null)?.error
}

/** A difference for which nothing but our own outcome can be said. */
const ours = (_theirs: Outcome, our: Outcome): Outcome => our

/** A difference in each string of the outcome. */
const replaced =
  (pattern: RegExp, by: string) =>
  (theirs: Outcome): Outcome =>
    JSON.parse(
      JSON.stringify(theirs, (_key, value) => (typeof value === 'string' ? value.replace(pattern, by) : value)),
    )

export const WIRE_DIFFERENCES: readonly WireDifference[] = [
  {
    why: 'another name of the client, and more encodings',
    adapt: headers((line) =>
      line
        .replace(/^User-Agent: python-requests\/.*/, `User-Agent: vouch/${version()}`)
        .replace(/^Accept-Encoding: gzip, deflate(?:, \w+)*$/, 'Accept-Encoding: gzip, deflate, br, zstd'),
    ),
  },
  {
    why: 'a header that was taken away is not sent; urllib3 and http.client put others in its place',
    cases: /^headers: (?:without|none)|^prepared alone/,
    adapt: headers((line) =>
      /^(?:User-Agent: python-urllib3|Accept-Encoding: identity)/.test(line) ? undefined : line,
    ),
  },
  {
    why: 'booleans are written true and false, as JavaScript writes them',
    cases: /booleans/,
    adapt: (theirs) => replaced(/=True\b/g, '=true')(replaced(/=False\b/g, '=false')(theirs)),
  },
  {
    why: "JSON is written in JavaScript's own form: without blanks, in UTF-8",
    cases: /^POST: json|^redirect: json|^prepared$/,
    adapt: (theirs) => {
      for (const request of theirs.arrived) {
        const isJson = request.headers.some((line) => /^Content-Type: application\/(?:\w|\.)*\+?json/i.test(line))
        if (!isJson || request.body === '') continue
        const body = Buffer.from(JSON.stringify(JSON.parse(Buffer.from(request.body, 'latin1').toString())))
        request.body = body.toString('latin1')
        request.headers = request.headers.map((line) =>
          line.startsWith('Content-Length: ') ? `Content-Length: ${body.length}` : line,
        )
      }
      return theirs
    },
  },
  {
    why: 'what JSON cannot hold is an InvalidJSONError, as NaN is in requests',
    cases: /^POST: json that cannot be/,
    adapt: instead(/^TypeError$/, 'InvalidJSONError'),
  },
  {
    why: 'a wrong argument is a TypeError',
    cases: /^wrong method|^POST: (?:a list of no pairs|files beside text)/,
    adapt: instead(/^ValueError$/, 'TypeError'),
  },
  {
    why: 'an empty method is refused as well',
    cases: /^wrong method: ""/,
    adapt: ours,
  },
  {
    why: 'hosts that no name server is ever asked for are refused before',
    cases: /^wrong URL: http:\/\/(?:a b|x\.\.y)\//,
    adapt: instead(/^(?:ConnectionError|LocationParseError|InvalidURL|UnicodeError)$/, 'InvalidURL'),
  },
  {
    why: 'how the body ends is said by us: a length or an encoding set by hand would mix up two requests',
    cases: /^POST: (?:a length for a generator|Transfer-Encoding set)/,
    adapt: ours,
  },
  {
    why: 'a header that is not latin-1 is an InvalidHeader',
    cases: /^headers: not latin-1/,
    adapt: instead(/^UnicodeEncodeError$/, 'InvalidHeader'),
  },
  {
    why: 'Basic credentials are UTF-8 (RFC 7617)',
    cases: /^auth: latin-1/,
    adapt: headers((line) => line.replace('Basic dXPpcjpw', 'Basic dXPDqXI6cA==')),
  },
  {
    why: 'the URL of a response has no credentials, so that it can be logged',
    cases: /^auth: (?:of the URL|a user without)/,
    adapt: replaced(/(http:\/\/)[^/@]*@/g, '$1'),
  },
  {
    why: 'a Secure cookie is not taken from a plain http server (RFC 6265bis)',
    cases: /^cookies: set as a=1; Secure/,
    adapt: (theirs) => ({ ...theirs, cookies: [] }),
  },
  {
    why: 'a cookie without a name is ignored, as RFC 6265 says',
    cases: /^cookies: set as (?:=x|a)$/,
    adapt: ours,
  },
  {
    why: 'a DELETE that a redirect takes the body from says that it has none',
    cases: /^redirect: 301 of DELETE/,
    adapt: (theirs) => {
      theirs.arrived[1]?.headers.push('Content-Length: 0')
      theirs.arrived[1]?.headers.sort()
      return theirs
    },
  },
  {
    why: 'a redirect to a URL without a host, or to none, is an InvalidURL at once',
    cases: /^redirect: to http:\/\/\[?\/?$/,
    adapt: ours,
  },
  {
    why: 'cookies without a domain go only where the Authorization header would go, and a Host header only to its own origin',
    cases: /^redirect: (?:cookies of the call|a Host header) to another host/,
    adapt: (theirs) => {
      const last = theirs.arrived[1]
      if (last === undefined) return theirs
      last.headers = last.headers
        .filter((line) => line !== 'Cookie: a=1')
        .map((line) => (line === 'Host: own.test' ? 'Host: localhost:PORT' : line))
        .sort()
      return theirs
    },
  },
  {
    why: 'a stream that was sent cannot be sent again; requests sends nothing in its place',
    cases: /^redirect: a generator is not/,
    adapt: (theirs, our) => ({
      ...instead(null, 'UnrewindableBodyError')(theirs, our),
      arrived: theirs.arrived.slice(0, 1),
    }),
  },
  {
    why: 'JSON is read whatever its encoding, with or without a byte-order mark, also where the type says JSON',
    cases: /^json: (?:efbbbf|5b00|fffe|005b|0000)/,
    adapt: instead(/^JSONDecodeError$/, null),
  },
  {
    why: "JSON is JavaScript's: NaN is none",
    cases: /^json: 4e614e/,
    adapt: instead(null, 'JSONDecodeError'),
  },
  {
    why: 'a compressed body that is cut short is an error; requests gives what there is, without a word',
    cases: /^encoded: gzip&short/,
    adapt: instead(null, 'ContentDecodingError'),
  },
  {
    why: 'pieces are as long as asked, however the body was chunked',
    cases: /^pieces of 4 bytes/,
    // It depends on how the chunks come out of the socket.
    optional: true,
    adapt: ours,
  },
  {
    why: "Node's parser is strict about heads: where two parsers disagree, one response can smuggle another",
    cases: /^head refused/,
    listed: '### Responses that violate HTTP',
    adapt: instead(null, 'ConnectionError'),
  },
  {
    why: "Node's parser refuses two Content-Length headers even when they agree",
    cases: /^lengths refused/,
    listed: 'two equal `Content-Length` headers',
    adapt: instead(null, 'InvalidHeader'),
  },
  {
    why: "Node's parser is strict about chunks",
    cases: /^chunks refused/,
    listed: 'extensions of chunks',
    adapt: instead(null, 'ChunkedEncodingError'),
  },
  {
    why: 'the same answers are refused, by another error',
    cases: /^other error/,
    listed: 'a response that both reject may raise a different error',
    adapt: instead(/^(?:ChunkedEncodingError|InvalidHeader|ValueError)$/, 'ConnectionError'),
  },
  {
    why: 'a negative chunk size is a ValueError of Python',
    cases: /^other error: a negative chunk size/,
    listed: 'a negative chunk size is a `ValueError`',
    adapt: instead(/^ValueError$/, 'ChunkedEncodingError'),
  },
  {
    why: "Node's parser and ours have other limits than http.client, and it skips blank lines",
    cases: /^only here/,
    listed: 'lines above 64 KiB, more than 100 headers',
    adapt: instead(/^ConnectionError$/, null),
  },
  {
    why: 'an interim response comes before the answer; http.client takes it for the answer',
    cases: /^interim response/,
    listed: 'an interim response other than 100 (102, 103, …) is returned as the response',
    adapt: ours,
  },
  {
    why: 'chunked is no framing unless it is the last encoding, 204 has no body, and an unknown encoding is left alone',
    cases: /^body read otherwise/,
    listed: '`Transfer-Encoding: chunked, gzip`',
    adapt: ours,
  },
  {
    why: 'blanks behind a value are not part of it, the first Location counts, and brackets are escaped as in other URLs',
    cases: /^Location read otherwise/,
    listed: 'a space at the end of `Location` becomes `%20`',
    adapt: ours,
  },
  {
    why: 'cookies that RFC 6265bis refuses',
    cases: /^cookie dropped/,
    listed: 'cookies with a tab or above 4096 bytes',
    adapt: ours,
  },
  {
    why: 'an attribute that is not valid is ignored, not the cookie',
    cases: /^cookie kept/,
    listed: 'a cookie with an invalid `Max-Age`',
    adapt: ours,
  },
  {
    why: 'attributes of cookies are read by RFC 6265',
    cases: /^cookie read otherwise/,
    listed: 'the first of two `Path` attributes applies',
    adapt: ours,
  },
  {
    why: 'urllib3 2 mended: text in UTF-8, x-gzip, bodies cut short; and requests what it says of a number as a body',
    cases:
      /^POST: (?:text that is not ASCII|a number as data)|^encoded: x-gzip|^wire: (?:a body cut short|a length of 2\^63)|^other error: (?:a length of 23|a blank line)/,
    listed: 'urllib3 1 returns a body that is shorter than its `Content-Length`',
    when: ({ urllib3 }) => urllib3.startsWith('1.'),
    adapt: ours,
  },
]
