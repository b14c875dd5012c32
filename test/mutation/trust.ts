// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are pieces of source
/** What decides whom is trusted, and until when. */
import { type Mutant, mutantsOf } from './mutant.ts'

export const MUTANTS: readonly Mutant[] = [
  ...mutantsOf('I2', [
    [
      'nothing is verified',
      ['rejectUnauthorized: trust.verified', 'rejectUnauthorized: false'],
      'invariants/isolation.test.ts',
      'a connection made without verification',
    ],
    [
      'NODE_TLS_REJECT_UNAUTHORIZED decides',
      ['    rejectUnauthorized: trust.verified,\n', ''],
      'invariants/verification.test.ts',
      'NODE_TLS_REJECT_UNAUTHORIZED=0',
    ],
    [
      'the name in the certificate is not looked at',
      ['trust.verified ? checkServerIdentity : () => undefined', '() => undefined'],
      'invariants/verification.test.ts',
      'a certificate that is trusted counts for its names',
    ],
    [
      "Node's own check of names",
      ['checkServerIdentity: trust.verified ? checkServerIdentity : () => undefined,', ''],
      'invariants/verification.test.ts',
      'a certificate that is trusted counts for its names',
    ],
    [
      'the name check of a server of another protocol does not know its address',
      ['socket: plain, host, servername }', 'socket: plain, servername }'],
      'transport/starttls.test.ts',
      'smtp: a stranger and another host are refused',
    ],
    [
      'bytes in the clear are taken into the handshake',
      ['if (extra.length === 0) return', 'return'],
      'transport/starttls.test.ts',
      "smtp: bytes in the clear behind the server's consent",
    ],
    [
      'PREAUTH is taken for a greeting',
      ['if (/^\\* (?:PREAUTH|BYE)\\b/i.test(greeting))', 'if (/^\\* (?:BYE)\\b/i.test(greeting))'],
      'transport/starttls.test.ts',
      'imap: a server that lets everybody in',
    ],
    [
      'the client certificate is presented to an https proxy, for another protocol',
      ['const forProxy = () => tlsSettings(trust, undefined)', 'const forProxy = () => tlsSettings(trust, identity)'],
      'transport/starttls.test.ts',
      'a client certificate is presented to the server',
    ],
    [
      'the common name counts',
      ["subject: 'never'", "subject: 'default'"],
      'x509/hostname.test.ts',
      'a certificate for no name (common name localhost)',
    ],
    [
      'wildcards may be a part of a label',
      ['partialWildcards: false', 'partialWildcards: true'],
      'x509/hostname.test.ts',
      'a certificate for f*.lab.test',
    ],
    [
      'a host with a leading dot is any of its domain',
      [" || host.startsWith('.')", ''],
      'x509/hostname.test.ts',
      'a certificate for one.test',
    ],
    [
      'an address may be written as a name',
      ["if (isIP(host) !== 0) return certificate.checkIP(host.replace(ZONE, '')) !== undefined\n", ''],
      'x509/hostname.test.ts',
      'a certificate for 127.0.0.1',
    ],
    [
      'a host with a NUL is not rejected',
      [" || host.includes('\\0')", ''],
      'x509/hostname.test.ts',
      'no host and no peer makes the check throw',
    ],
    [
      'a peer without a certificate makes the check throw',
      [
        'return peer?.raw && new X509Certificate(peer.raw)\n  } catch {',
        'return new X509Certificate((peer as PeerCertificate).raw)\n  } catch (error) {\n    throw error',
      ],
      'x509/hostname.test.ts',
      'no host and no peer makes the check throw',
    ],
    [
      'the zone of an address is a part of it',
      ["checkIP(host.replace(ZONE, ''))", 'checkIP(host)'],
      'x509/hostname.test.ts',
      'an IPv6 address is checked without its zone',
    ],
    [
      'the server name comes from the Host header',
      ['...serverAddress(peer),', "...serverAddress(peer), servername: headers.get('Host') ?? peer.hostname,"],
      'invariants/verification.test.ts',
      'a certificate that is trusted counts for its names',
    ],
    [
      'what a request says of TLS goes over what its agent does',
      ['options, this.#settings, {', 'this.#settings, options, {'],
      'client/other-clients.test.ts',
      'what another client says of TLS does not weaken an agent',
    ],
    [
      'another client verifies by the Host header',
      ['...serverAddress(target) })', "...serverAddress(target), servername: String(request.getHeader('host')) })"],
      'client/other-clients.test.ts',
      'what another client says of TLS does not weaken an agent',
    ],
    [
      'what looks like false switches verification off',
      ['if (verify === false) return { kind', 'if (!verify) return { kind'],
      'trust/verify.test.ts',
      'what is empty is refused, not taken for false: an empty string',
    ],
    [
      'a bundle is not verified against',
      ['return { verified: true, digest: set.digest', 'return { verified: false, digest: set.digest'],
      'invariants/isolation.test.ts',
      'a TLS session of one trust',
    ],
    [
      'an empty path is the working directory',
      ["if (input === '') throw new CABundleError", "if (input === '\\n') throw new CABundleError"],
      'trust/verify.test.ts',
      'what is empty is refused, not taken for false: an empty string',
    ],
    [
      'an empty list trusts the defaults',
      ['    if (input.length === 0) throw', '    if (input.length < 0) throw'],
      'trust/verify.test.ts',
      'what is empty is refused, not taken for false: an empty list',
    ],
    [
      'the environment decides over a call',
      ["if (!isUnset && call !== true) return toTrust(call, 'call')\n", ''],
      'invariants/verification.test.ts',
      'what a call trusts goes over',
    ],
    [
      'options are inherited from Object.prototype',
      ['Object.assign(Object.create(null), options)', '{ ...options }'],
      'invariants/pollution.test.ts',
      'Object.prototype.verify',
    ],
    [
      'options of a context are inherited from Object.prototype',
      ['Object.assign(Object.create(null), ...options)', 'Object.assign({}, ...options)'],
      'invariants/pollution.test.ts',
      'Object.prototype.ca',
    ],
    [
      'a key known beforehand takes the place of a certificate',
      ['    pskCallback: undefined,\n', ''],
      'client/other-clients.test.ts',
      'a key that is known beforehand',
    ],
    [
      'PKCS#12 is left to Node, which trusts what else is in it',
      ["if (!('pfx' in options)) return options", 'return options'],
      'x509/pkcs12.test.ts',
      'a client certificate in PKCS#12 adds nothing',
    ],
    [
      'a session is resumed after the end of its certificates',
      ['!(Date.now() < expiryOf(peer))', 'false'],
      'transport/tls-info.test.ts',
      'a session is not resumed when a certificate',
    ],
    [
      'variables are inherited from Object.prototype',
      ['Object.hasOwn(env, name) ? env[name] : undefined', 'env[name]'],
      'invariants/pollution.test.ts',
      'Object.prototype.REQUESTS_CA_BUNDLE',
    ],
    [
      'a certificate that is being renewed may be that of another host',
      [' && isValidFor(certificate, host)', ''],
      'transport/renewal.test.ts',
      'a pinned certificate that is replaced by a certificate for another host',
    ],
    [
      'a certificate that is no authority is no anchor',
      ['allowPartialTrustChain: true', 'allowPartialTrustChain: false'],
      'invariants/verification.test.ts',
      'a certificate can be trusted by itself',
    ],
  ]),
  ...mutantsOf('I3', [
    [
      'a block without an end is passed over',
      ['throw new PemSyntaxError(begin + 1, `the block "${name}" has no END', 'return begin // `'],
      'x509/pem.test.ts',
      'damage is reported with its line: no END',
    ],
    [
      'damaged base64 is decoded as far as it goes',
      ['if (!BASE64.test(base64) || base64.length % 4 !== 0) {', 'if (!BASE64.test(base64)) {'],
      'x509/pem.test.ts',
      'damage is reported with its line: no padding',
    ],
    [
      'what stands behind a NUL is left out in silence',
      ['if (stoppedAt > 0) throw', 'if (stoppedAt > 0) break\n    if (stoppedAt < 0) throw'],
      'x509/pem.test.ts',
      'damage is reported with its line: NUL at the start of a line',
    ],
  ]),
  ...mutantsOf('I4', [
    [
      'pools of stale files are not retired',
      ['if (!pool.isStale) continue', 'if (!pool.isStale || pool.isStale) continue'],
      'transport/endings.test.ts',
      'a stale client certificate alone',
    ],
    [
      'a retired pool keeps its connections',
      ['    return !this.#retired\n', '    return true\n'],
      'transport/pools.test.ts',
      'a retired pool lets the request',
    ],
    [
      'a file that was just read is not read again',
      ['if (entry?.settled && sameFile', 'if (entry && sameFile'],
      'core/live-file.test.ts',
      'a rewrite within one tick',
    ],
    [
      'the change time of a file is not looked at',
      [' && a.ctimeMs === b.ctimeMs', ''],
      'core/live-file.test.ts',
      'two looks at a file are told apart',
    ],
    [
      'a replaced version is not stale',
      ['  entry.snapshot.stale = true\n  entry.settled', '  entry.settled'],
      'core/live-file.test.ts',
      'a file that is',
    ],
    [
      'a file that is gone counts as it was',
      [
        'return certificateSet(this.#sources.flatMap(readSource))',
        'return ((this as { kept?: CertificateSet }).kept ??= certificateSet(this.#sources.flatMap(readSource)))',
      ],
      'trust/ca-bundle.test.ts',
      'removed trust is removed',
    ],
    [
      'default roots that change are the same trust',
      ["digestOf('default', `${generation}`)", "digestOf('default')"],
      'trust/verify.test.ts',
      'other default roots are another trust',
    ],
  ]),
  ...mutantsOf('I5', [
    [
      'the path stays in the message of a cause',
      [
        'const message = text === undefined ? code : `${code}: ${text}, ${syscall}`',
        'const { message } = error as Error',
      ],
      'core/secrets-in-paths.test.ts',
      'a missing file named like a URL with a password: "https://user:hunter2@host/x"',
    ],
    [
      'the name of a bundle is its path as given',
      ['displayName(source.source) : undefined', 'source.source : undefined'],
      'core/secrets-in-paths.test.ts',
      'a usable bundle at a path like a URL with a password: "https://user:hunter2@host/x"',
    ],
    [
      'the name of a client certificate is its path as given',
      [
        'return { path: resolve(input), displayName: displayName(input)',
        'return { path: resolve(input), displayName: input',
      ],
      'core/secrets-in-paths.test.ts',
      'a missing file named like a URL with a password: "https://user:hunter2@host/x"',
    ],
    [
      'an event names a file by its path as given',
      ['path: displayName(path), certificates', 'path, certificates'],
      'core/secrets-in-paths.test.ts',
      'a usable bundle at a path like a URL with a password: "https://user:hunter2@host/x"',
    ],
  ]),
]
