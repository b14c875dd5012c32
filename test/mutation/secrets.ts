// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are pieces of source
/** What withholds keys, and keeps what was handed over, and what a server's key can sign for. */
import { type Mutant, mutantsOf } from './mutant.ts'

export const MUTANTS: readonly Mutant[] = [
  ...mutantsOf('I1', [
    [
      'a bundle is looked up without the working directory',
      ['[process.cwd(), path]', '[path]'],
      'invariants/copies.test.ts',
      'a path with a line feed',
    ],
    [
      'parts of a digest are joined',
      ['JSON.stringify(parts)', "parts.join('\\n')"],
      'invariants/copies.test.ts',
      'digests of other parts',
    ],
    [
      'a session keeps the list that it was given',
      ["isPlainObject(value) && Object.hasOwn(value, 'apply') ? value : snapshot(value)", 'value'],
      'invariants/copies.test.ts',
      'bytes and lists that change after a session',
    ],
    [
      'messages of vouch:trust can be changed',
      ['Object.freeze(make())', 'make()'],
      'invariants/copies.test.ts',
      'a subscriber of vouch:trust',
    ],
    [
      'a bundle is made by any file',
      ['if (token !== INTERNAL) throw', 'if (token === null) throw'],
      'invariants/copies.test.ts',
      'a bundle is made by its functions only',
    ],
  ]),
  ...mutantsOf('I2', [
    [
      'a self-signed certificate is a CA by default',
      ['ca = false }, settings]', 'ca = true }, settings]'],
      'certs/create.test.ts',
      'a ec-p256 certificate (hash by default)',
    ],
    [
      'a self-signed CA vouches for any host',
      ['nameConstraints: ca && hosts.length > 0 ? onlyFor(hosts) : undefined', 'nameConstraints: undefined'],
      'certs/create.test.ts',
      'a certificate that is a CA is trusted by its own copy',
    ],
  ]),
  ...mutantsOf('I5', [
    [
      'a key that was given as a path is shown',
      ['if (material) return withheld(source, material)', 'if (material === null) return source'],
      'core/key-material.test.ts',
      'RSA, base64 of PEM: is recognised',
    ],
    [
      'a key in place of a host is shown in lower case',
      ['return KEY_AT_START.test(given) ||', 'return url.length < 0 &&'],
      'http/url.test.ts',
      'a key in place of a host is refused',
    ],
    [
      'a response without TLS replaces a secure cookie',
      ['isProtected(cookie, url, room.protected)) return', 'cookie.secure) return'],
      'http/cookies.test.ts',
      'a response without TLS sets no secure cookie',
    ],
    [
      'a jar grows without end',
      ['(byDomain.get(domain) ?? 0) >= MAX_OF_DOMAIN', '(byDomain.get(domain) ?? 0) > 1e9'],
      'http/cookies.test.ts',
      'a jar is bounded',
    ],
    [
      'a planted link gives a file a second name',
      [
        'if ((await lstat(path)).isSymbolicLink()) return await symlink(await readlink(path), second)',
        'path = await realpath(path)',
      ],
      'certs/files.test.ts',
      'a link to another file gives',
    ],
  ]),
]
