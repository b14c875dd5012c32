// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are pieces of source
/** What keeps connections apart. */
import { type Mutant, mutantsOf } from './mutant.ts'

export const MUTANTS: readonly Mutant[] = [
  ...mutantsOf('I1', [
    [
      'the key of a pool lacks the port',
      ['[String(origin), trust.digest', '[trust.digest'],
      'invariants/isolation.test.ts',
      'connections that differ in nothing but their port belong',
    ],
    [
      'the key of a pool lacks the authorities',
      ['String(origin), trust.digest, identity', 'String(origin), identity'],
      'invariants/isolation.test.ts',
      'connections that differ in nothing but their authorities belong',
    ],
    [
      'the key of a pool lacks the client certificate',
      ['trust.digest, identity?.digest, proxyTrust', 'trust.digest, proxyTrust'],
      'invariants/isolation.test.ts',
      'connections that differ in nothing but their client certificate belong',
    ],
    [
      'the key of a pool lacks the proxy or none',
      ['proxyTrust?.digest, to, proxyParts(proxy)])', 'proxyTrust?.digest, to])'],
      'invariants/isolation.test.ts',
      'connections that differ in nothing but their proxy or none belong',
    ],
    [
      'the key of a pool lacks the scheme of the proxy',
      ['[url.protocol, url.host', '[url.host'],
      'invariants/isolation.test.ts',
      'connections that differ in nothing but their scheme of the proxy belong',
    ],
    [
      'the key of a pool lacks the host of the proxy',
      ['[url.protocol, url.host, ', '[url.protocol, url.port, '],
      'invariants/isolation.test.ts',
      'connections that differ in nothing but their host of the proxy belong',
    ],
    [
      'the key of a pool lacks the port of the proxy',
      ['[url.protocol, url.host, ', '[url.protocol, url.hostname, '],
      'invariants/isolation.test.ts',
      'connections that differ in nothing but their port of the proxy belong',
    ],
    [
      'the key of a pool lacks the authorization',
      ['url.host, authorization, login]', 'url.host, login]'],
      'invariants/isolation.test.ts',
      'connections that differ in nothing but their authorization belong',
    ],
    [
      'the key of a pool lacks the login',
      ['url.host, authorization, login]', 'url.host, authorization]'],
      'invariants/isolation.test.ts',
      'connections that differ in nothing but their login belong',
    ],
    [
      'plain connections through a proxy are pooled without it',
      ['authorityOf(connectTo), proxyParts(proxy)])\n    return', 'authorityOf(connectTo)])\n    return'],
      'invariants/isolation.test.ts',
      'plain connections through SOCKS',
    ],
    [
      'the key of a context lacks the trust',
      ["[trust.digest, identity?.digest ?? '',", "[identity?.digest ?? '',"],
      'trust/secure-context.test.ts',
      'another trust, another order of it',
    ],
    [
      'the key of a context lacks the client certificate',
      ["[trust.digest, identity?.digest ?? '',", '[trust.digest,'],
      'trust/secure-context.test.ts',
      'another trust, another order of it',
    ],
    [
      'the key of a context lacks what pins have learned',
      [', ...learned.map(({ fingerprint }) => fingerprint)]', ']'],
      'transport/pins.test.ts',
      'a server costs one handshake more',
    ],
    [
      'the key of a pool lacks the address to connect to',
      ['proxyTrust?.digest, to, proxy', 'proxyTrust?.digest, proxy'],
      'invariants/isolation.test.ts',
      'connections that differ in nothing but their address to connect to belong',
    ],
    [
      'plain connections to another address are pooled with others',
      [
        '[String(origin), connectTo && authorityOf(connectTo), proxyParts(proxy)])\n    return',
        '[proxyParts(proxy)])\n    return',
      ],
      'transport/connect-to.test.ts',
      'a connection elsewhere is not shared',
    ],
    [
      'with connectTo the name of the address is checked',
      ['checkServerIdentity(withoutBrackets(origin.host), peer)', 'checkServerIdentity(_host, peer)'],
      'transport/connect-to.test.ts',
      'the names of the URL are checked',
    ],
    [
      'the key of a pool lacks the trust for the proxy',
      ['identity?.digest, proxyTrust?.digest,', 'identity?.digest,'],
      'invariants/isolation.test.ts',
      'connections that differ in nothing but their trust for the proxy belong',
    ],
    [
      'the digest of pins does not know the pins',
      ["digestOf('pins', ...this.texts)", "digestOf('pins', `${pins.length}`)"],
      'trust/pins.test.ts',
      'equal pins have equal digests',
    ],
    [
      'the digest of trust does not know the certificates',
      ['digestOf(...anchors.keys(), ...helping)', 'digestOf(String(anchors.size), ...helping)'],
      'trust/verify.test.ts',
      'equal trust has equal digests',
    ],
    [
      'the digest of trust does not know the intermediates',
      ['digestOf(...anchors.keys(), ...helping)', 'digestOf(...anchors.keys())'],
      'trust/intermediates.test.ts',
      'intermediates are no part of what a bundle trusts',
    ],
    [
      'the digest of a client certificate does not know its key',
      ['digestOf(chain, pem)', 'digestOf(`${pem.length}`)'],
      'trust/client-cert.test.ts',
      'equal content is one identity',
    ],
    [
      'TLS sessions are shared by all agents',
      [
        'const session = this.#resumable()',
        'const session = shared.session',
        'this.#session = { ticket, peer',
        'shared.session = { ticket, peer',
        '/** The agent for connections without TLS, ',
        'const shared = { session: undefined }\n/** The agent for connections without TLS, ',
      ],
      'invariants/isolation.test.ts',
      'a TLS session of one trust',
    ],
    [
      'the client certificate is presented to an https proxy',
      [
        'const tls = () => (proxyTrust ? tlsSettings(proxyTrust, undefined)',
        'const tls = () => (proxyTrust ? tlsSettings(proxyTrust, identity)',
        'function tunnelSpec({ proxy, origin, proxyTrust }',
        'function tunnelSpec({ proxy, origin, identity, proxyTrust }',
      ],
      'transport/proxy.test.ts',
      'a client certificate is presented to the origin',
    ],
  ]),
]
