/** Real libraries with vouch's trust: each reaches a server of a private CA, and refuses that of another CA. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Session, SSLError, tlsOptions, trustedAgent } from '../../src/index.ts'
import { createAuthority } from '../helpers/pki.ts'
import { type Handler, startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

interface Trust {
  readonly fetch: typeof globalThis.fetch
  readonly agent: ReturnType<typeof trustedAgent>
  readonly tls: ReturnType<typeof tlsOptions>
}

interface Library {
  readonly name: string
  readonly service: Handler
  use(by: Trust & { readonly baseURL: string; readonly port: number }): Promise<void>
}

const FOLDER = 'test/sdks'
const FILES = ['fetch-libraries.mjs', 'agent-libraries.mjs']
const skip = !existsSync(`${FOLDER}/node_modules`) && `the libraries are not installed: npm ci in ${FOLDER}`

const authority = createAuthority()
const issued = authority.issue()

/** What a bundle is trusted with; closed at the end. */
function trusting(bundle: string): Trust & Disposable {
  const session = new Session({ verify: bundle })
  const agent = trustedAgent({ verify: bundle })
  const end = () => {
    void session.close()
    agent.destroy()
  }
  return { fetch: session.fetch, agent, tls: tlsOptions(bundle), [Symbol.dispose]: end }
}

/** The reasons of an error, wherever its library keeps them. */
function* reasons(error: unknown, depth = 0): Generator<object> {
  if (typeof error !== 'object' || error === null || depth > 6) return
  yield error
  for (const key of ['cause', 'detail', 'error', 'lastError', 'errors', 'meta', 'raw']) {
    const reason: unknown = Reflect.get(error, key)
    for (const each of Array.isArray(reason) ? reason : [reason]) yield* reasons(each, depth + 1)
  }
}

describe('libraries', { skip }, async () => {
  if (skip) return
  for (const file of FILES) {
    const { LIBRARIES } = (await import(`./${file}`)) as { LIBRARIES: readonly Library[] }
    for (const { name, service, use } of LIBRARIES) {
      test(`${name} reaches a server of a private CA, and refuses one of another CA`, async () => {
        using dir = tempDir()
        using trusted = trusting(dir.write('company.pem', authority.certificate))
        using other = trusting(dir.write('other.pem', createAuthority().certificate))
        await using server = await startHttpsServer({ cert: issued.chain, key: issued.key, handler: service })
        const at = { baseURL: server.url, port: server.port }
        await use({ ...trusted, ...at })
        const before = server.requests
        assert.ok(before > 0)
        const error: unknown = await use({ ...other, ...at }).then(
          () => assert.fail('the server of another CA was trusted'),
          (reason) => reason,
        )
        assert.equal(server.requests, before)
        const found = [...reasons(error)]
        if (file === 'agent-libraries.mjs') {
          assert.ok(
            found.some((each) => /unable to get local issuer/i.test(String(each))),
            String(error),
          )
        } else if (name in MESSAGE_ONLY) {
          assert.match(String(Reflect.get(Object(error), 'message')), /fetch failed: certificate verify failed/)
        } else {
          const reason = found.find((each) => each instanceof SSLError)
          assert.ok(reason instanceof SSLError, `no SSLError in ${String(error)}`)
          assert.equal(reason.reason, 'unknown-ca')
        }
      })
    }
  }
})

/** Libraries that keep nothing of an error but its message. */
const MESSAGE_ONLY: Readonly<Record<string, string>> = {
  '@supabase/supabase-js': 'its errors are data',
}

test('each line of the guide for SDKs is one that is tested', () => {
  const sources = FILES.map((file) => readFileSync(`${FOLDER}/${file}`, 'utf8')).join('\n')
  const page = readFileSync('docs/guides/sdks.md', 'utf8')
  const longer = Array.from(page.matchAll(/^```javascript\n(.*?)^```/gms), ([, code = '']) =>
    code.trim().split('\n'),
  ).flat()
  const rows = page.matchAll(/^\| `.* \| `([^|]*)` \|$/gm)
  const lines = Array.from(rows, ([, line = '']) => line)
  assert.ok(lines.length >= 16, `${lines.length} lines`)
  assert.deepEqual(
    [...lines, ...longer].filter((line) => !sources.includes(line.trim())),
    [],
  )
})
