/** vouch below its sessions: the adapter, which finds the trust for each request and looks at its bundle. */
import { readAll } from '../../src/body/read.ts'
import { HeaderMap } from '../../src/http/headers.ts'
import type { AdapterResponse, SendSettings, WireRequest } from '../../src/transport/adapter.ts'
import { HTTPAdapter } from '../../src/transport/http-adapter.ts'
import { toTrust } from '../../src/trust/verify.ts'
import type { Ask } from '../client.ts'

export function keepAlive(url: string, ca: string): Ask {
  const adapter = new HTTPAdapter()
  const target = new URL(url)
  return () => answerOf(adapter.send(requestTo(target), settingsOf(ca)))
}

export function requestTo(target: URL): WireRequest {
  const headers = HeaderMap.from({ Accept: '*/*', Connection: 'keep-alive' })
  return { method: 'GET', target, headers, body: undefined, rewindable: true }
}

export function settingsOf(ca: string): SendSettings {
  return {
    trust: toTrust(ca, 'call'),
    cert: undefined,
    proxy: undefined,
    timeout: {},
    deadline: undefined,
    signal: undefined,
    expiryWarning: false,
    insecureHTTPParser: false,
    expectContinue: undefined,
    onUploadProgress: undefined,
    onDownloadProgress: undefined,
  }
}

export async function answerOf(response: Promise<AdapterResponse>): Promise<unknown> {
  return JSON.parse((await readAll((await response).body)).toString())
}
