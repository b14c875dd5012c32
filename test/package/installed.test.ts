/** The package in the hands of a user who has installed it. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { findPackageJSON } from 'node:module'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { rolldown } from 'rolldown'
import { createAuthority } from '../helpers/pki.ts'
import { run as runProgram } from '../helpers/processes.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'
import { install, manifest, moduleNames, npm, userEnvironment } from './packed.ts'

const dir = tempDir()
after(() => dir[Symbol.dispose]())

install(dir)

/** Runs a program, as a user has it in a file of this name; returns what it printed. One that does not end fails. */
async function run(file: string, code: string, ...args: string[]): Promise<string> {
  const options = { cwd: dir.path, env: userEnvironment() }
  const { status, stdout, stderr } = await runProgram(process.execPath, [dir.write(file, code), ...args], options)
  assert.deepEqual([status, stderr], [0, ''])
  return stdout
}

for (const name of moduleNames) {
  test(`${name} is imported, and required, and is one module`, async () => {
    const code = `
      import { createRequire } from 'node:module'
      import * as imported from '${name}'
      const required = createRequire(import.meta.url)('${name}')
      console.log(Object.keys(imported).filter((name) => required[name] !== imported[name]))`
    assert.equal(await run('both.mjs', code), '[]\n')
    assert.equal(await run('required.cjs', `console.log(typeof require('${name}'))`), 'object\n')
  })
}

test('the names of each module are there for import and for require', async () => {
  const imported = `import requests, { get } from 'vouch'; import { createSelfSignedCert } from 'vouch/certs'
    console.log(typeof requests.get, typeof get, typeof createSelfSignedCert)`
  const required = `const { get, default: requests } = require('vouch'); const certs = require('vouch/certs')
    console.log(typeof requests.get, typeof get, typeof certs.createSelfSignedCert)`
  assert.equal(await run('names.mjs', imported), 'function function function\n')
  assert.equal(await run('names.cjs', required), 'function function function\n')
})

test('what is not exported can be neither imported nor required', async () => {
  const paths = [
    'vouch/dist/index.js',
    'vouch/dist/certs/index.js',
    'vouch/certs/index.js',
    'vouch/trust/pem',
    'vouch/src',
  ]
  const code = `
    const codes = ${JSON.stringify(paths)}.flatMap((path) => [
      import(path).catch(({ code }) => code),
      Promise.resolve().then(() => require(path)).catch(({ code }) => code),
    ])
    Promise.all(codes).then((codes) => console.log(codes.join()))`
  const refused = paths.flatMap(() => Array(2).fill('ERR_PACKAGE_PATH_NOT_EXPORTED'))
  assert.equal(await run('inner.cjs', code), `${refused.join()}\n`)
})

test('package.json is exported, for tools that ask for it', async () => {
  assert.equal(await run('version.cjs', `console.log(require('vouch/package.json').version)`), `${manifest.version}\n`)
})

for (const [file, imports] of [
  ['request.mjs', `import requests from 'vouch'`],
  ['request.cjs', `const { default: requests } = require('vouch')`],
] as const) {
  test(`${file}: a server is verified, or refused, and the process exits`, async () => {
    const authority = createAuthority()
    const { key, chain } = authority.issue({ hosts: ['localhost'] })
    await using server = await startHttpsServer({ key, cert: chain })
    // Connections stay open as far as the server is concerned.
    server.server.keepAliveTimeout = 0
    const code = `${imports}
      const [url, verify] = process.argv.slice(2)
      async function main() {
        const response = await requests.get(url, { verify })
        console.log(response.statusCode, response.json().method)
        await requests.get(url).catch((error) => console.log(error instanceof requests.SSLError, error.reason))
      }
      main()`
    const printed = await run(file, code, server.url, dir.write('ca.pem', authority.certificate))
    assert.equal(printed, '200 GET\ntrue unknown-ca\n')
  })
}

test('npx vouch --version says the version', () => {
  assert.equal(npm(dir, ['exec', '--', 'vouch', '--version']), `${manifest.version}\n`)
})

test('a bundler leaves out what is imported without being used, and keeps a module that is there for its effect', async () => {
  for (const name of moduleNames) {
    const names = await run('names.mjs', `import * as all from '${name}'; console.log(Object.keys(all).length)`)
    await using bundle = await rolldown({ input: dir.write('bundled.mjs', `import '${name}'`), platform: 'node' })
    const { output } = await bundle.generate()
    const kept = output[0].moduleIds.some((path) => path.includes('/node_modules/vouch/'))
    assert.equal(kept, names === '0\n', `package.json is wrong about the side effects of ${name}`)
  }
})

/** What users write, and with @ts-expect-error what they are not to write. */
const PROGRAM = `
  import requests, { CABundle, get, RequestException, Session, type RequestOptions, type Response } from 'vouch'
  import { createSelfSignedCert, type SelfSignedCert } from 'vouch/certs'

  const options: RequestOptions = { verify: ['ca.pem', CABundle.default()], timeout: [1000, null], cert: ['a.pem', 'a.key'] }
  export async function use(): Promise<string> {
    const pair: SelfSignedCert = await createSelfSignedCert(null, null, 'localhost')
    const session = new Session({ verify: pair.cert, cert: pair })
    const response: Response = await session.post('https://localhost', { ...options, json: { a: [1, null] } })
    await requests.get(new URL('https://localhost'), { verify: true }).catch((error: RequestException) => error.request?.url)
    for await (const line of response.iterLines()) line.toUpperCase()
    return response.raiseForStatus().text
  }
  // @ts-expect-error: a name that is not an option
  void get('https://localhost', { verfiy: true })
  // @ts-expect-error: a number is no trust
  void get('https://localhost', { verify: 1 })
  // @ts-expect-error: no URL
  void get()
  // @ts-expect-error: what is internal does not show
  void ((response: Response) => response.headerValues)
`

const REQUIRED = `
  import vouch = require('vouch')
  import certs = require('vouch/certs')
  export const response: Promise<vouch.Response> = vouch.get('https://localhost', { verify: 'ca.pem' })
  export const pair: Promise<certs.SelfSignedCert> = certs.createSelfSignedCert('a.crt', 'a.key', 'localhost')
  // @ts-expect-error: a number is no trust
  void vouch.get('https://localhost', { verify: 1 })
`

/** TypeScript as it is now, and as it was in 2024: the one that the check of types brings along. */
const now = findPackageJSON('typescript', import.meta.url)
const then = findPackageJSON('typescript', import.meta.resolve('@arethetypeswrong/core'))

for (const [title, manifestOfTypescript, file, code, ...settings] of [
  ['Node', now, 'program.mts', PROGRAM, '--module', 'nodenext'],
  ['Node, by require', now, 'program.cts', REQUIRED, '--module', 'nodenext'],
  ['a bundler', now, 'program.ts', PROGRAM, '--module', 'esnext', '--moduleResolution', 'bundler'],
  ['Node, by an old TypeScript', then, 'program.mts', PROGRAM, '--module', 'nodenext'],
] as const) {
  test(`the types compile for ${title}, and refuse what is wrong`, async () => {
    const tsc = join(dirname(manifestOfTypescript ?? ''), 'bin/tsc')
    // Nothing is skipped: the types of the package are checked with the user's settings.
    const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--skipLibCheck', 'false']
    const args = [
      tsc,
      dir.write(file, code),
      '--noEmit',
      '--target',
      'es2022',
      '--types',
      'node',
      ...strict,
      ...settings,
    ]
    const { status, stdout } = await runProgram(process.execPath, args, { cwd: dir.path })
    assert.deepEqual([status, stdout], [0, ''])
  })
}
