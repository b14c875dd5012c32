/** The sources of trust of the matrix: every form of `verify`, right and wrong, made for one server's certificates. */
import { hash, X509Certificate } from 'node:crypto'
import { mkdirSync, symlinkSync } from 'node:fs'
import { relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CABundle, type Verify } from '../../src/index.ts'
import { openssl, opensslBytes } from '../helpers/openssl.ts'
import { createAuthority, subjectHash, toDer, toPkcs7, toTrustedCertificate } from '../helpers/pki.ts'
import type { TempDir } from '../helpers/temp.ts'
import type { Trusts } from './model.ts'
import { commonNameOf, type ServerCase } from './servers.ts'

/** What a source is made from. */
export interface Material {
  /** A directory of this server's own. */
  readonly dir: TempDir
  readonly root: string
  /** The certificate above the server's, or its own when that is self-signed. */
  readonly issuer: string
  readonly leaf: string
  readonly key: string
  /** An authority that has nothing to do with the server. */
  readonly other: string
  /** An authority of the root's name with another key. */
  readonly namesake: string
  /** An authority that has expired. */
  readonly old: string
  /** 150 authorities that have nothing to do with the server. */
  readonly many: string
}

export interface SourceCase {
  readonly name: string
  /** The value of `verify`. */
  readonly verify: Verify
  readonly trusts: Trusts
}

/** The material of all servers; a directory holds it until the end. */
export function materialOf(servers: readonly ServerCase[], dir: TempDir): Map<ServerCase, Material> {
  const common = {
    other: createAuthority({ commonName: 'Other CA' }).certificate,
    old: createAuthority({
      commonName: 'Old CA',
      notBefore: new Date('2001-01-01T00:00:00Z'),
      notAfter: new Date('2002-01-01T00:00:00Z'),
    }).certificate,
    many: Array.from({ length: 150 }, (_, i) => createAuthority({ commonName: `Public CA ${i}` }).certificate).join(''),
  }
  const material = servers.map((server, index): [ServerCase, Material] => {
    const [leaf = '', second] = server.path
    const root = server.path.at(-1) ?? leaf
    const namesake = createAuthority({ commonName: commonNameOf(root) }).certificate
    const own = { ...tempDirIn(dir, `server-${index}`), root, issuer: second ?? leaf, leaf, key: server.key }
    return [server, { ...common, ...own, namesake }]
  })
  return new Map(material)
}

function tempDirIn(dir: TempDir, name: string): { dir: TempDir } {
  const inside = (file: string) => `${name}/${file}`
  return {
    dir: {
      path: dir.join(name),
      join: (...names) => dir.join(name, ...names),
      write: (file, content, mode) => dir.write(inside(file), content, mode),
      [Symbol.dispose]: () => {},
    },
  }
}

/** Sources that requests can be given as well: paths and booleans. */
export function pathSources(material: Material): SourceCase[] {
  const { dir, root, issuer, leaf, key, other, namesake, old, many } = material
  const cut = root.slice(0, root.length / 2)
  const damaged = root.replace(/\n(.)/, '\n!$1')
  const hash = subjectHash(root)
  const file = (name: string, content: string | Uint8Array) => dir.write(name, content)
  const directory = (name: string, files: Readonly<Record<string, string>>) => {
    mkdirSync(dir.join(name), { recursive: true })
    for (const [entry, content] of Object.entries(files)) dir.write(`${name}/${entry}`, content)
    return dir.join(name)
  }
  const rootFile = file('root.pem', root)
  const link = dir.join('link.pem')
  symlinkSync(rootFile, link)
  return [
    of('root', rootFile, root),
    of('root, by a relative path', relative(process.cwd(), rootFile), root),
    of('root, by a symbolic link', link, root),
    of('root as DER', file('root.der', toDer(root)), root),
    of('root as PKCS#7 (PEM)', file('root.p7b', toPkcs7(root)), root),
    of('root as PKCS#7 (DER)', file('root-der.p7b', toDer(toPkcs7(root))), root),
    of('intermediate only', file('issuer.pem', issuer), issuer),
    of('leaf only', file('leaf.pem', leaf), leaf),
    of('leaf and root', file('leaf-root.pem', leaf + root), leaf, root),
    of('all of the path', file('path.pem', [...new Set([leaf, issuer, root])].join('')), leaf, issuer, root),
    of('root as X509 CERTIFICATE', file('x509.pem', root.replaceAll(' CERT', ' X509 CERT')), root),
    of('root as TRUSTED CERTIFICATE', file('trusted.pem', toTrustedCertificate(root)), root),
    {
      name: 'root as TRUSTED CERTIFICATE, rejected for servers',
      verify: file('rejected.pem', toTrustedCertificate(root, { trust: [], reject: ['serverAuth'] })),
      trusts: { kind: 'certificates', certificates: [root], rejects: true },
    },
    of('hashed directory', directory('hashed', { [`${hash}.0`]: root }), root),
    {
      name: 'hashed directory, another of the name first',
      verify: directory('second', { [`${hash}.0`]: namesake, [`${hash}.1`]: root }),
      trusts: { kind: 'certificates', certificates: [namesake, root], namesakeFirst: true },
    },
    of('plain directory', directory('plain', { 'ca.pem': root, 'readme.txt': 'about' }), root),
    refused('directory with a gap', directory('gap', { [`${hash}.1`]: root })),
    refused('empty directory', directory('nothing', {})),
    refused('empty file', file('empty.pem', '')),
    refused('junk file', file('junk.pem', 'hello\n')),
    refused('truncated block', file('cut.pem', cut)),
    refused('good and bad block', file('good-bad.pem', root + damaged)),
    refused('bad and good block', file('bad-good.pem', damaged + root)),
    refused('good and truncated block', file('good-cut.pem', root + cut)),
    refused('key only', file('key.pem', key)),
    of('key and root', file('key-root.pem', key + root), root),
    refused('UTF-16', file('utf16.pem', Buffer.from(`\ufeff${root}`, 'utf16le'))),
    of(
      'comments, CRLF, byte-order mark',
      file('crlf.pem', `\ufeff# CA\n\n${root}# end\n`.replaceAll('\n', '\r\n')),
      root,
    ),
    of('150 roots and the right one', file('many.pem', many + root), root),
    of('another root', file('other.pem', other), other),
    of('another root of the same name', file('namesake.pem', namesake), namesake),
    {
      name: 'another of the name, then the right one',
      verify: file('namesake-root.pem', namesake + root),
      trusts: { kind: 'certificates', certificates: [namesake, root], namesakeFirst: true },
    },
    of('the right one, then another of the name', file('root-namesake.pem', root + namesake), root, namesake),
    of('an expired root and the right one', file('old-root.pem', old + root), old, root),
    of('root three times', file('thrice.pem', root.repeat(3)), root),
    refused('a path that does not exist', dir.join('missing.pem')),
    { name: 'true', verify: true, trusts: { kind: 'public' } },
    { name: 'false', verify: false, trusts: { kind: 'anything' } },
  ]
}

/** Sources that only vouch knows. */
export function valueSources({ dir, root, issuer, leaf, other }: Material): SourceCase[] {
  const pin = `sha256:${new X509Certificate(leaf).fingerprint256}`
  const keyPin = keyPinOf(leaf)
  const otherPin = `sha256:${new X509Certificate(other).fingerprint256}`
  const rootFile = dir.write('root.pem', root)
  const otherFile = dir.write('other.pem', other)
  return [
    of('file URL', pathToFileURL(rootFile), root),
    of('PEM text', root, root),
    of('bytes of PEM', Buffer.from(root), root),
    of('bytes of DER', new Uint8Array(toDer(root)), root),
    of('bytes of PKCS#7', toDer(toPkcs7(root)), root),
    of('X509Certificate', new X509Certificate(root), root),
    of('X509Certificate of the leaf', new X509Certificate(leaf), leaf),
    of('list', [otherFile, Buffer.from(root)], other, root),
    of('nested list', [[otherFile], [[issuer, pathToFileURL(rootFile)]]], other, issuer, root),
    of('CABundle', CABundle.from(rootFile), root),
    of('CABundle with another', CABundle.from(other).with(rootFile), other, root),
    of('CABundle of the default roots with this one', CABundle.default().with(root), root),
    of('CABundle of the default roots with another', CABundle.default().with(otherFile), other),
    { name: 'CABundle of the default roots', verify: CABundle.default(), trusts: { kind: 'public' } },
    pinned('pin', pin, true),
    pinned('pin, hex digits alone', pin.toLowerCase().replaceAll(':', '').replace('sha256', 'sha256:'), true),
    pinned('pin of the key', keyPin, true),
    pinned('pins', [otherPin, keyPin], true),
    pinned('pin of another certificate', otherPin, false),
    pinned('pin of the key of another certificate', keyPinOf(other), false),
    pinned('pin of the issuer', `sha256:${new X509Certificate(issuer).fingerprint256}`, issuer === leaf),
    ...(issuer === root
      ? []
      : [
          helped('root, and the intermediate to help', CABundle.from(root).withIntermediates(issuer), [root], [issuer]),
          helped(
            'another root, and the intermediate to help',
            CABundle.from(other).withIntermediates(issuer),
            [other],
            [issuer],
          ),
          helped(
            'root, and another intermediate to help',
            CABundle.from(rootFile).withIntermediates(dir.write('leaf.pem', leaf)),
            [root],
            [leaf],
          ),
        ]),
    refused('list with a missing file', [rootFile, dir.join('missing.pem')]),
    refused('empty text', ''),
    refused('empty bytes', new Uint8Array(0)),
    refused('empty list', []),
  ]
}

function of(name: string, verify: Verify, ...certificates: string[]): SourceCase {
  return { name, verify, trusts: { kind: 'certificates', certificates } }
}

function pinned(name: string, verify: Verify, match: boolean): SourceCase {
  return { name, verify, trusts: { kind: 'pins', match } }
}

function helped(name: string, verify: Verify, certificates: readonly string[], helping: readonly string[]): SourceCase {
  return { name, verify, trusts: { kind: 'helped', certificates, helping } }
}

/** Computed by openssl. */
function keyPinOf(certificate: string): string {
  const key = openssl(['x509', '-noout', '-pubkey'], certificate)
  return `sha256//${hash('sha256', opensslBytes(['pkey', '-pubin', '-outform', 'DER'], key), 'base64')}`
}

function refused(name: string, verify: Verify): SourceCase {
  return { name, verify, trusts: { kind: 'refused' } }
}
