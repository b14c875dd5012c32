/** The certificates of the isolation tests, and each form of `verify`, `cert` and `proxies` as an option. */
import { X509Certificate } from 'node:crypto'
import tls from 'node:tls'
import { CABundle, type ClientCert, type RequestOptions } from '../../../src/index.ts'
import { publicKeyPin } from '../../../src/x509/fingerprint.ts'
import { createAuthority, type TestCertificate, toDer, toPkcs12 } from '../../helpers/pki.ts'
import type { TempDir } from '../../helpers/temp.ts'
import type { Ca, CertForm, Client, ServerName, TrustForm } from './model.ts'

const authorities = {
  first: createAuthority({ commonName: 'First CA' }),
  second: createAuthority({ commonName: 'Second CA' }),
}

export const leaves: Readonly<Record<ServerName, TestCertificate>> = {
  first: authorities.first.issue({ hosts: ['localhost', '127.0.0.1'] }),
  second: authorities.second.issue({ hosts: ['localhost'] }),
}

export const clientAuthority = createAuthority({ commonName: 'Client CA' })

const clientCertificate = (commonName: Client) =>
  clientAuthority.issue({ commonName, hosts: [], extendedKeyUsage: ['clientAuth'] })

export const clients: Readonly<Record<Client, TestCertificate>> = {
  ada: clientCertificate('ada'),
  bob: clientCertificate('bob'),
}

const adaPfx = toPkcs12(clients.ada, 'secret')

export const pemOf = (cas: readonly Ca[]): string => cas.map((ca) => authorities[ca].certificate).join('')

/** One of Node's own, which has signed nothing here: a list of 145 would take its time at every change. */
const [someRoot = ''] = tls.rootCertificates

/** Lists of default roots, for `tls.setDefaultCACertificates`. */
export const rootsWith = (added: readonly Ca[]): string[] => [
  someRoot,
  ...added.map((ca) => authorities[ca].certificate),
]

/** The files that are rewritten: a bundle, and a client certificate with its key. */
export interface LivePaths {
  readonly bundle: string
  readonly cert: string
  readonly key: string
}

export interface Options {
  readonly verify: Readonly<Record<TrustForm, () => NonNullable<RequestOptions['verify']>>>
  readonly cert: Readonly<Record<CertForm, ClientCert | null>>
}

export function optionsIn(dir: TempDir, live: LivePaths): Options {
  const { first, second } = authorities
  const { ada, bob } = clients
  const firstPath = dir.write('first.pem', first.certificate)
  return {
    verify: {
      'first path': () => firstPath,
      'first text': () => first.certificate,
      'second bytes': () => toDer(second.certificate),
      both: () => [firstPath, second.certificate],
      live: () => live.bundle,
      'live and second': () => [live.bundle, second.certificate],
      leaf: () => leaves.first.certificate,
      default: () => true,
      'default and first': () => CABundle.default().with(first.certificate),
      pin: () => `sha256:${new X509Certificate(leaves.first.certificate).fingerprint256}`,
      'key pin': () => publicKeyPin(new X509Certificate(leaves.first.certificate)) as string,
      none: () => false,
    },
    cert: {
      nobody: null,
      ada: { cert: ada.chain, key: ada.key },
      'ada path': [dir.write('ada.crt', ada.chain), dir.write('ada.key', ada.key)],
      'ada pfx': { pfx: adaPfx, passphrase: 'secret' },
      bob: { cert: bob.chain, key: bob.key },
      live: [live.cert, live.key],
    },
  }
}
