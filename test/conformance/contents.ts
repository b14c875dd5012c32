/** Everything that people put into a file or directory of certificates, row by row, made for one root. */
import { mkdirSync, symlinkSync } from 'node:fs'
import { openssl, opensslBytes } from '../helpers/openssl.ts'
import {
  createAuthority,
  encryptKey,
  selfSigned,
  subjectHash,
  toDer,
  toPkcs7,
  toPkcs12,
  toTrustedCertificate,
} from '../helpers/pki.ts'
import { type TempDir, tempDir } from '../helpers/temp.ts'

/** The rows: a name and the path of a file or directory, to be tried against a server of `root`. */
export function contentCases(dir: TempDir, root: string, key: string): [name: string, path: string][] {
  const other = createAuthority({ commonName: 'Other CA' }).certificate
  const files: [string, string | Buffer][] = [...damage(root), ...surroundings(root, key, other), ...kinds(root, key)]
  return [
    ...files.map(([name, content], index): [string, string] => [name, dir.write(`content-${index}`, content)]),
    ...directories(dir, root, other),
  ]
}

/** Blocks that are damaged, alone and beside a good one. */
function damage(root: string): [string, string | Buffer][] {
  const lines = root.trim().split('\n')
  const base64 = lines.slice(1, -1)
  const [begin = '', end = ''] = [lines[0], lines.at(-1)]
  const block = (...content: string[]) => [begin, ...content, end, ''].join('\n')
  const whole = base64.join('')
  const bad: [string, string][] = [
    ['a character that is not base64', root.replace(/\n(.)/, '\n!$1')],
    ['truncated DER', block(...base64.slice(0, -3))],
    ['no END', [begin, ...base64, ''].join('\n')],
    ['END of another label', root.replace('END CERTIFICATE', 'END CERT')],
    ['an empty block', block()],
    ['a blank line inside', block(...base64.slice(0, 3), '', ...base64.slice(3))],
    ['RFC 1421 headers', block('Foo: bar', '', ...base64)],
    ['base64 of something else', block(Buffer.from('this is no certificate').toString('base64'))],
    ['a padding character in the middle', block(`${whole.slice(0, 64)}====`, whole.slice(68))],
    ['one character too few', block(whole.slice(0, 100) + whole.slice(101))],
  ]
  return [
    ...bad.map(([name, text]): [string, string] => [name, text]),
    ...bad.map(([name, text]): [string, string] => [`${name}, a good block before`, root + text]),
    ...bad.map(([name, text]): [string, string] => [`${name}, a good block after`, text + root]),
    ['two blocks glued', root.trimEnd() + root],
    ['one long line', block(whole)],
    ['lines of 76', block(...(whole.match(/.{1,76}/g) ?? []))],
    ['lines of one character', block(...whole)],
    ['a blank line after BEGIN', block('', ...base64)],
    ['blanks inside the lines', block(...base64.map((line) => line.replace(/(.{10})/g, '$1 ')))],
    ['tabs before the lines', block(...base64.map((line) => `\t${line}`))],
    ['trailing blanks', `${lines.join('  \n')}  \n`],
    ['no final line feed', root.trimEnd()],
    ['no padding', block(...base64.slice(0, -1), base64.at(-1)?.replace(/=+$/, '') ?? '')],
    ['data behind the certificate', block(Buffer.concat([toDer(root), Buffer.from('more')]).toString('base64'))],
  ]
}

/** What stands around good blocks. */
function surroundings(root: string, key: string, other: string): [string, string | Buffer][] {
  const text = openssl(['x509', '-text'], root)
  const latin1 = (string: string) => Buffer.from(string, 'latin1')
  return [
    ['comments', `# a comment\n\n${root}# another\n`],
    ['a text dump', text],
    ['text between', `${other}\n* the next *\n${root}`],
    ['bytes above 127 before', latin1(`\xe4\xf6\xfc\n${root}`)],
    ['NUL in a line before', `ab\0cd\n${root}`],
    ['NUL at the end', `${root}\0`],
    ['NUL at the start of a line before', `\0abc\n${root}`],
    ['NUL at the start of a line between', `${root}\0abc\n${other}`],
    ['NUL at the start of a line between, the other first', `${other}\0abc\n${root}`],
    ['text before BEGIN', `xx ${root}`],
    ['blanks before BEGIN', ` ${root}`],
    ['a form feed before BEGIN', `\f${root}`],
    ['four dashes', root.replaceAll('-----', '----')],
    ['a label in lower case', root.replaceAll('CERTIFICATE', 'certificate')],
    ['all lines indented', root.replace(/^/gm, '  ')],
    ['an indented block after a good one', root + other.replace(/^/gm, '  ')],
    ['an indented block before a good one', other.replace(/^/gm, '  ') + root],
    ['text after BEGIN', root.replace('CERTIFICATE-----', 'CERTIFICATE----- xx')],
    ['CRLF', root.replaceAll('\n', '\r\n')],
    ['CR only', root.replaceAll('\n', '\r')],
    ['UTF-8 byte-order mark', `\ufeff${root}`],
    ['byte-order mark, then a comment', `\ufeff# a comment\n${root}`],
    ['byte-order mark in the second line', `# a comment\n\ufeff${root}`],
    ['two files with byte-order marks, one after the other', `\ufeff${other}\ufeff${root}`],
    ['UTF-16 with byte-order mark', Buffer.from(`\ufeff${root}`, 'utf16le')],
    ['UTF-16 without', Buffer.from(root, 'utf16le')],
    ['line breaks written as \\n', root.replaceAll('\n', '\\n')],
    ['a key before', key + root],
    ['a key after', root + key],
    ['an encrypted key before', encryptKey(key, 'secret') + root],
    ['an encrypted key of the old form before', encryptKey(key, 'secret', 'traditional') + root],
    ['EC PARAMETERS before', openssl(['ecparam', '-name', 'prime256v1']) + root],
    ['a signing request before', signingRequest(key) + root],
    ['an unknown block before', `-----BEGIN FOO-----\nAAAA\n-----END FOO-----\n${root}`],
    ['an unknown block that is not base64 before', `-----BEGIN FOO-----\n!!!!\n-----END FOO-----\n${root}`],
    ['an unknown block without END before', `-----BEGIN FOO-----\nAAAA\n${root}`],
    ['a damaged RSA key before', `-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n${root}`],
    ['a PKCS7 block before', toPkcs7(other) + root],
    ['a PKCS7 block after', root + toPkcs7(other)],
    ['a revocation list before', revocationList() + root],
    ['a revocation list only', revocationList()],
    ['duplicates', root.repeat(3)],
    ['300 certificates', other.repeat(299) + root],
    ['DER, a line feed, PEM', Buffer.concat([toDer(other), Buffer.from('\n'), Buffer.from(root)])],
  ]
}

/** What is no PEM certificate at all. */
function kinds(root: string, key: string): [string, string | Buffer][] {
  const self = selfSigned()
  return [
    ['nothing', ''],
    ['white space', ' \n\t\n'],
    ['plain text', 'hello\n'],
    ['text that begins like DER', '0123456789\n'],
    ['comments only', '# nothing here\n'],
    ['DER', toDer(root)],
    ['DER twice', Buffer.concat([toDer(root), toDer(root)])],
    ['DER, truncated', toDer(root).subarray(0, 200)],
    ['PKCS#7 as PEM', toPkcs7(root)],
    ['PKCS#7 as DER', toDer(toPkcs7(root))],
    ['PKCS#12', toPkcs12(self, 'secret')],
    ['a private key only', key],
    ['a private key as DER', opensslBytes(['pkey', '-outform', 'DER'], key)],
    ['a signing request only', signingRequest(key)],
    ['X509 CERTIFICATE', root.replaceAll(' CERT', ' X509 CERT')],
    ['TRUSTED CERTIFICATE', toTrustedCertificate(root)],
    ['TRUSTED CERTIFICATE, for clients only', toTrustedCertificate(root, { trust: ['clientAuth'] })],
    ['TRUSTED CERTIFICATE, rejected for servers', toTrustedCertificate(root, { trust: [], reject: ['serverAuth'] })],
    ['a path as content', '/etc/ssl/certs/ca-certificates.crt\n'],
    ['a web page', '<!DOCTYPE html><title>404 Not Found</title>\n'],
  ]
}

function directories(dir: TempDir, root: string, other: string): [string, string][] {
  const hash = subjectHash(root)
  const oldHash = openssl(['x509', '-noout', '-subject_hash_old'], root).trim()
  const make = (name: string, files: Readonly<Record<string, string | Buffer>>): [string, string] => {
    const path = `directory ${name}`.replaceAll(/\W+/g, '-')
    mkdirSync(dir.join(path))
    for (const [entry, content] of Object.entries(files)) dir.write(`${path}/${entry}`, content)
    return [`directory: ${name}`, dir.join(path)]
  }
  const dangling = make('a dangling link at 0', { [`${hash}.1`]: root })
  symlinkSync(dir.join('nowhere'), `${dangling[1]}/${hash}.0`)
  const linked = make('links to certificates', { 'ca.pem': root })
  symlinkSync('ca.pem', `${linked[1]}/${hash}.0`)
  const slash = make('path with a slash at the end', { [`${hash}.0`]: root })
  return [
    dangling,
    linked,
    [slash[0], `${slash[1]}/`],
    make('hashed name', { [`${hash}.0`]: root }),
    make('another at 0, the right one at 1', { [`${hash}.0`]: other, [`${hash}.1`]: root }),
    make('only 1', { [`${hash}.1`]: root }),
    make('a gap', { [`${hash}.0`]: other, [`${hash}.2`]: root }),
    make('a number with a zero before', { [`${hash}.00`]: root }),
    make('hash in upper case', { [`${hash.toUpperCase().replace(/^\d+$/, 'ABCDEF01')}.0`]: root }),
    make('the old hash', { [`${oldHash}.0`]: root }),
    make('the old hash and the new', { [`${oldHash}.0`]: root, [`${hash}.0`]: root }),
    make('several certificates in a hashed file', { [`${hash}.0`]: other + root }),
    make("under another certificate's hash", { [`${subjectHash(other)}.0`]: other + root }),
    make('DER under a hashed name', { [`${hash}.0`]: toDer(root) }),
    make('junk under a hashed name', { [`${hash}.0`]: 'junk' }),
    make('junk under another hashed name', { [`${hash}.0`]: root, '01234567.0': 'junk' }),
    make('a revocation list beside', { [`${hash}.0`]: root, [`${hash}.r0`]: revocationList() }),
    make('plain names', { 'root.pem': root }),
    make('plain names beside hashed ones', { 'root.pem': root, [`${subjectHash(other)}.0`]: other }),
    make('plain names, one of them junk', { 'root.pem': root, 'junk.pem': 'junk' }),
    make('empty', {}),
    make('other files only', { 'readme.txt': 'about' }),
  ]
}

function signingRequest(key: string): string {
  using dir = tempDir()
  return openssl(['req', '-new', '-subj', '/CN=localhost', '-key', dir.write('key.pem', key)])
}

/** A list without entries, made with an authority of its own. */
function revocationList(): string {
  using dir = tempDir()
  const authority = createAuthority({ commonName: 'Other CA' })
  const config = [
    '[ca]',
    'default_ca=a',
    '[a]',
    `database=${dir.write('index', '')}`,
    'default_md=sha256',
    'default_crl_days=9',
  ]
  const files = ['-cert', dir.write('ca.pem', authority.certificate), '-keyfile', dir.write('ca.key', authority.key)]
  return openssl(['ca', '-gencrl', '-config', dir.write('ca.cnf', config.join('\n')), ...files])
}
