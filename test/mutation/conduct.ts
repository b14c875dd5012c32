// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are pieces of source
/** What keeps credentials at home, and the process as it was. */

import { isRoot } from '../helpers/platform.ts'
import { type Mutant, mutantsOf } from './mutant.ts'

export const MUTANTS: readonly Mutant[] = [
  ...mutantsOf('I5', [
    [
      'Authorization goes to other origins',
      ["if (mustStripAuth(request.target, url)) headers.delete('Authorization')\n", ''],
      'client/redirects.test.ts',
      'to another origin neither Authorization',
    ],
    [
      'Authorization goes from https to http',
      ["from.protocol === 'http:' && to.protocol === 'https:' && ", ''],
      'client/redirects.test.ts',
      'Authorization is stripped',
    ],
    [
      'a Cookie header goes along',
      ["headers.delete('Cookie')\n", ''],
      'client/redirects.test.ts',
      'within an origin Authorization and Host are kept',
    ],
    [
      'Proxy-Authorization goes along',
      ["headers.delete('Proxy-Authorization')\n", ''],
      'client/redirects.test.ts',
      'a redirect does not take Proxy-Authorization',
    ],
    [
      'credentials in a Location are used',
      ['return prepareUrl(withoutAuth(url))', 'return prepareUrl(url)'],
      'client/redirects.test.ts',
      'from http://a.test/ the Location "http://ada:secret@b.test/" leads to http://b.test/',
    ],
    [
      'the client certificate goes to other origins',
      ['if (next.target.origin !== request.target.origin) hop =', 'if (next.target.origin === "") hop ='],
      'client/redirects-tls.test.ts',
      'Authorization and client certificate: another port gets neither',
    ],
    [
      'the client certificate goes along by hand',
      ['request.crossOrigin ? { ...settings, cert: undefined } : settings', 'settings'],
      'client/redirects-tls.test.ts',
      'a redirect that is sent by hand',
    ],
    [
      'cookies without a domain go everywhere',
      ['!mustStripAuth(this.#initialUrl, this.target))', 'true)'],
      'http/cookies.test.ts',
      'cookies without a domain are not taken to another host',
    ],
    [
      'netrc credentials go from https to http',
      ['env === undefined || isDowngrade || ', 'env === undefined || '],
      'auth/netrc-session.test.ts',
      'a redirect from https to http',
    ],
    [
      'a digest is computed for any origin',
      [
        'const challenge = this.#challenges.get(request.target.origin)',
        'const [challenge] = this.#challenges.values()',
      ],
      'auth/digest.test.ts',
      'a challenge is kept for its origin only',
    ],
    [
      'credentials for a proxy reach the origin',
      ['(forwarder && authorization === undefined ? headers : withoutProxyAuth(headers))', 'headers'],
      'transport/proxy.test.ts',
      'HTTPProxyAuth reaches the proxy',
    ],
    [
      'headers are printed with their secrets',
      ['SECRET_HEADER.test(name) || CREDENTIALS_SCHEME.test(value)', 'false'],
      'core/errors-secrets.test.ts',
      'what is printed of a session or a request',
    ],
    [
      'credentials in a header of another name are printed',
      [' || CREDENTIALS_SCHEME.test(value)', ''],
      'http/headers.test.ts',
      'passwords in URLs, and credentials in a header',
    ],
    [
      'passwords in the URLs of headers are printed',
      ['value.replace(URL_IN_TEXT, redactUrl)', 'value'],
      'http/headers.test.ts',
      'passwords in URLs, and credentials in a header',
    ],
    [
      "the errors of Node's Request are thrown as they are",
      ['throw withoutSecrets(error as Error, members)', 'throw error'],
      'invariants/sieve.test.ts',
      'RSA: base64 of PEM is in nothing',
    ],
    [
      'URLs are shown with their passwords',
      ['withoutNestedUserinfo(withoutUserinfo(text))', 'text'],
      'core/errors-secrets.test.ts',
      'a URL whose scheme was forgotten',
    ],
    [
      'errors keep what the server sent',
      ['delete error.rawPacket', ''],
      'transport/http-adapter.test.ts',
      'an error keeps nothing of what the server sent',
    ],
  ]),
  ...mutantsOf('I5', [
    [
      'a key is written through a link that stands in its place',
      ["await open(temporary, 'wx', mode)", "await open(temporary, 'w', mode)"],
      'certs/files.test.ts',
      'a link that is planted where a key is written in part',
    ],
    // Only root can change an owner.
    ...(isRoot
      ? ([
          [
            'a pair that root renews becomes its own',
            ['      await keepOwner(file, path)\n', ''],
            'certs/renew.test.ts',
            'a pair that root renews stays with its owner',
          ],
        ] as const)
      : []),
  ]),
  ...mutantsOf('I6', [
    [
      'a callback that throws null leaves its call waiting',
      ['cause: toError(error) }', 'cause: error as Error }'],
      'client/progress.test.ts',
      'what is thrown and is no Error',
    ],
    [
      'caches grow',
      ['if (this.#map.size <= this.#max) return', 'return'],
      'invariants/lifetime.test.ts',
      'a bounded map drops',
    ],
    [
      'a context is found only while the cache holds it',
      ['const value = this.#references.get(key)?.deref()', 'const value = this.#last.get(key)'],
      'trust/secure-context.test.ts',
      'a context is found as long as something holds it',
    ],
    [
      'what was shared stays in memory',
      ['this.#references.set(key, new WeakRef(value))', 'this.#references.set(key, { deref: () => value } as never)'],
      'trust/secure-context.test.ts',
      'contexts that nothing holds are collected',
    ],
    [
      'each bundle has certificates of its own',
      ['let anchor = anchors.get(id)', 'let anchor: TrustAnchor | undefined'],
      'trust/secure-context.test.ts',
      'a certificate is in memory once',
    ],
    [
      'pools that nothing uses stay',
      ['this.#pools.size > KEPT_POOLS && pool.isEmpty', 'pool.isBusy'],
      'invariants/lifetime.test.ts',
      'pools that nothing uses are closed',
    ],
    [
      'the last ten pools are kept where no number was chosen',
      ['options.poolConnections ?? MAX_POOLS', 'options.poolConnections ?? 10'],
      'invariants/lifetime.test.ts',
      'a hundred and fifty trusts keep',
    ],
    [
      'a pool that makes room is not closed',
      ['    this.#retired = true\n    this.closeIdle()', '    this.#retired = true'],
      'transport/pools.test.ts',
      'the least recently used pool',
    ],
    [
      'a request of another client that is destroyed waits for its tunnel',
      ['if (isEarly) listener(error)', ''],
      'transport/proxy-pools.test.ts',
      'a request of another client that is destroyed fails at once, while a silent http',
    ],
    [
      'a closed pool opens connections',
      ['return this.#closed ? sessionClosed() : ', 'return '],
      'transport/http-adapter.test.ts',
      'close() rejects the requests that wait in a full pool',
    ],
  ]),
  ...mutantsOf('I7', [
    [
      'the default roots of the process are changed',
      [
        '    return tls.createSecureContext(withoutPrototype(roots',
        '    tls.setDefaultCACertificates([])\n    return tls.createSecureContext(withoutPrototype(roots',
      ],
      'invariants/lifetime.test.ts',
      'nothing of the process changes',
    ],
  ]),
]
