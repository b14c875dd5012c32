/** docs/reference/api.md names all there is, and nothing that is not there any more. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as certs from '../../src/certs/index.ts'
import { REQUEST_OPTIONS, SEND_OPTIONS } from '../../src/client/settings.ts'
import * as vouch from '../../src/index.ts'

const page = readFileSync('docs/reference/api.md', 'utf8').replace(/^```[\s\S]*?^```$/gm, '')
/** Every word that stands in code in its text. */
const named = new Set([...page.matchAll(/`([^`]+)`/g)].flatMap(([, code = '']) => code.match(/[A-Za-z_]\w*/g) ?? []))

const sources = globSync('src/**/*.ts')
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n')

/** The names that the `optionNames<…>({ name: true, … })` for an interface lists, whichever file it is in. */
function optionsOf(options: string): string[] {
  const lists = [...sources.matchAll(/optionNames<(\w+)>\(\{([^}]*)\}\)/g)].filter(([, name]) => name === options)
  assert.equal(lists.length, 1, `lists of ${options}`)
  return lists.flatMap(([, , body = '']) => [...body.matchAll(/(\w+): true/g)].map(([, name = '']) => name))
}

const NAMES: Readonly<Record<string, Iterable<string>>> = {
  'the options of a request': REQUEST_OPTIONS,
  'the options of send': SEND_OPTIONS,
  'the options of a session': optionsOf('SessionOptions'),
  'the options of an adapter': optionsOf('HTTPAdapterOptions'),
  'the options of retries': optionsOf('RetryInit'),
  'the options of explain': optionsOf('ExplainOptions'),
  'the options of tlsOptions': optionsOf('TlsOptionsInit'),
  'the options of trustedAgent': optionsOf('TrustedAgentOptions'),
  'the options of createSelfSignedCert': optionsOf('SelfSignedCertOptions'),
  'the options of ensureSelfSignedCert': optionsOf('EnsureSelfSignedCertOptions'),
  'the options of createCA': optionsOf('CAOptions'),
  'the options of what a CA issues': optionsOf('IssueOptions'),
  'the options of watchCert': optionsOf('WatchCertOptions'),
  'the options of fetchCert': optionsOf('FetchCertOptions'),
  'the names of vouch': Object.keys(vouch).filter((name) => name !== 'default'),
  'the types of vouch': typesOf('src/index.ts'),
  'the names of vouch/certs': Object.keys(certs),
  'the types of vouch/certs': typesOf('src/certs/index.ts'),
  'the members of a response': members(vouch.Response),
  'the members of a session': members(vouch.Session),
  'the members of a bundle': members(vouch.CABundle),
  'the variables that are read': variables(),
}

function members({ prototype }: { readonly prototype: object }): string[] {
  const internal = new Set([
    'constructor',
    'header',
    'headerValues',
    'toJSON',
    'resolve',
    'isDefault',
    'path',
    'sources',
  ])
  return Object.getOwnPropertyNames(prototype).filter((name) => !internal.has(name))
}

/** The names that the file exports as types. */
function typesOf(file: string): string[] {
  const source = readFileSync(file, 'utf8')
  const lists = source.matchAll(/export (type )?\{([^}]*)\}/g)
  const listed = [...lists].flatMap(([, all, body = '']) => body.match(all ? /\w+/g : /(?<=\btype )\w+/g) ?? [])
  return [...listed, ...(source.match(/(?<=^export type )\w+/gm) ?? [])]
}

function variables(): string[] {
  return [...sources.matchAll(/variable\(env, '([A-Z_]+)'\)|'((?:REQUESTS|CURL)_CA_BUNDLE)'/g)].map(
    ([, name, bundle]) => name ?? bundle ?? '',
  )
}

for (const [what, names] of Object.entries(NAMES)) {
  test(`the reference has ${what}`, () => {
    const all = [...names]
    assert(all.length > 0)
    assert.deepEqual(
      all.filter((name) => !named.has(name)),
      [],
    )
  })
}

test('the reference lists no option of a request that does not exist', () => {
  const [, table = ''] = /### Options of a request([\s\S]*?)\n###? /.exec(page) ?? []
  const options = [...table.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(
    ([, cell = '']) => cell.match(/\w+/g) ?? [],
  )
  assert.deepEqual(new Set(options), new Set(REQUEST_OPTIONS))
})

test('the reference has each class of error with its parent and its code', () => {
  const rows = Array.from(page.matchAll(/^\| `(\w+)` \| (.+) \| `(ERR_\w+)` \|$/gm), ([, ...cells]) => cells.join(' '))
  const classes = Object.values(vouch).filter(
    (value) => typeof value === 'function' && value.prototype instanceof Error,
  )
  assert.deepEqual(rows.sort(), classes.map(rowOf).sort())
})

/** `ConnectTimeout` is a `Timeout` as well, by its `instanceof`. */
function rowOf(each: unknown): string {
  const { name } = each as typeof vouch.SSLError
  const parents = [parentOf(each).name, ...(name === 'ConnectTimeout' ? ['Timeout'] : [])]
  const { code } = new (each as new (message: string) => vouch.RequestException)('')
  return [name, parents.map((parent) => `\`${parent}\``).join(', '), code].join(' ')
}

/** The next class above that is exported, or `Error`. */
function parentOf(type: unknown): { readonly name: string } {
  const above = Object.getPrototypeOf(type)
  return above === Error || Object.values(vouch).includes(above) ? above : parentOf(above)
}
