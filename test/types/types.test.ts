/** The types of the package in a user's strict project, by TypeScript 7 and by 5.9. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { after, test } from 'node:test'
import { run } from '../helpers/processes.ts'
import { tempDir } from '../helpers/temp.ts'
import { install } from '../package/packed.ts'

const FOLDER = 'test/types'
const COMPILERS = [
  ['TypeScript 7', 'node_modules/typescript/bin/tsc'],
  ['TypeScript 5.9', `${FOLDER}/node_modules/typescript/bin/tsc`],
] as const

const dir = tempDir()
after(() => dir[Symbol.dispose]())
install(dir)

/** What TypeScript says about a program; empty if it compiles. */
async function problems(compiler: string, file: string, program: string, ...settings: string[]): Promise<string> {
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--skipLibCheck', 'false']
  const args = ['--noEmit', '--target', 'es2022', '--types', 'node', ...strict, ...settings]
  const { stdout } = await run(process.execPath, [resolve(compiler), dir.write(file, program), ...args], {
    cwd: dir.path,
  })
  return stdout
}

const PROGRAM = `
  import { get, post, Session, Request, explain, CookieJar, HeaderMap, HTTPDigestAuth } from 'vouch'

  interface Query { page: number; tags: string[]; filter?: string }
  interface Form { name: string; active: boolean }
  interface Names { 'X-Team': string; accept?: string }
  interface Cookies { theme: string }
  interface Uploads { report: Buffer; photo: [string, Buffer, string] }
  interface Proxies { https: string; no_proxy: string }
  class Search { constructor(public q: string) {} }

  declare const query: Query, form: Form, names: Names, cookies: Cookies, uploads: Uploads, proxies: Proxies
  void get('https://localhost', { params: query, headers: names, cookies, proxies })
  void get('https://localhost', { params: new Search('a') })
  void post('https://localhost', { data: form, files: uploads })
  const session = new Session({ params: query, headers: names, cookies, proxies })
  session.proxies = proxies
  session.params = query
  void new Request('POST', 'https://localhost', { data: form, headers: names })
  void explain('https://localhost', { proxies })

  // Lists in variables, without as const.
  const auth = ['ada', 'secret'], cert = ['a.pem', 'a.key'], timeout = [1000, null]
  const pairs = [['a', 1], ['b', 'c']], headers = [['X-A', '1']], files = { file: ['a.txt', 'text', 'text/plain'] }
  void post('https://localhost', { auth, cert, timeout, params: pairs, data: pairs, headers, files, cookies: [['a', 'b']] })
  const options = { auth, cert, timeout, params: pairs, verify: ['a.pem', 'b.pem'] }
  void get('https://localhost', options)
  new Session({ auth, cert, timeout })
  session.auth = auth
  session.timeout = timeout
  void get('https://localhost', { params: new Map([['a', 1]]), headers: new Headers(), auth: new HTTPDigestAuth('a', 'b') })
  void get('https://localhost', { params: new URLSearchParams(), cookies: session.cookies, headers: session.headers })

  // @ts-expect-error: no list
  void get('https://localhost', { params: 1 })
  // @ts-expect-error: a value that is not text
  void get('https://localhost', { params: { since: new Date() } })
  // @ts-expect-error: a date is not a mapping
  void get('https://localhost', { params: new Date() })
  // @ts-expect-error: without await
  void get('https://localhost', { params: Promise.resolve({ a: 1 }) })
  // @ts-expect-error: a function
  void get('https://localhost', { headers: () => ({}) })
  // @ts-expect-error: an object as the value of a header
  void get('https://localhost', { headers: { 'X-A': { b: 1 } } })
  // @ts-expect-error: a number as the value of a cookie
  void get('https://localhost', { cookies: { a: 1 } })
  // @ts-expect-error: a number as a proxy
  void get('https://localhost', { proxies: { https: 3128 } })
  // @ts-expect-error: numbers as credentials
  void get('https://localhost', { auth: [1, 2] })
`

const CERTS = `
  import { get } from 'vouch'
  import { createCA } from 'vouch/certs'
  import 'vouch/register'
  export async function use() {
    const ca = await createCA()
    return get('https://localhost', { verify: ca.cert })
  }
`

for (const [name, compiler] of COMPILERS) {
  const skip = !existsSync(compiler) && `${name} is not installed: npm ci in ${FOLDER}`

  test(`${name}: interfaces are taken for mappings, lists for tuples, and wrong values are refused`, {
    skip,
  }, async () => {
    assert.equal(await problems(compiler, 'program.mts', PROGRAM, '--module', 'nodenext'), '')
  })
}

test('TypeScript 5.9 finds vouch/certs and vouch/register with moduleResolution node10', {
  skip: !existsSync(COMPILERS[1][1]) && `TypeScript 5.9 is not installed: npm ci in ${FOLDER}`,
}, async () => {
  const old = ['--module', 'commonjs', '--moduleResolution', 'node10', '--esModuleInterop']
  assert.equal(await problems(COMPILERS[1][1], 'program.ts', CERTS, ...old), '')
})
