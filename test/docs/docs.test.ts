/** The documentation tells the truth as far as a machine can see: links lead somewhere, code is code. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { REQUEST_OPTIONS } from '../../src/client/settings.ts'
import { checkOptionNames } from '../../src/core/options.ts'
import type { SSLErrorReason } from '../../src/index.ts'
import * as vouch from '../../src/index.ts'
import { outputOf } from '../helpers/processes.ts'
import { tempDir } from '../helpers/temp.ts'

const pages = ['README.md', 'CHANGELOG.md', ...globSync('docs/**/*.md')]

for (const page of pages) {
  const text = readFileSync(page, 'utf8')

  test(`${page}: its links lead to files and headings that exist`, () => {
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : join(dirname(page), path)
      assert(existsSync(file), `${page} links to ${target}`)
      if (anchor !== undefined) assert(anchorsOf(readFileSync(file, 'utf8')).has(anchor), `no heading for ${target}`)
    }
  })

  test(`${page}: its JavaScript is JavaScript, and imports names that exist`, async () => {
    using dir = tempDir()
    for (const [, code = ''] of text.matchAll(/```js\n([\s\S]*?)```/g)) {
      await outputOf(process.execPath, ['--check', dir.write('block.mjs', code)])
      for (const [, names = ''] of code.matchAll(/import \{([^}]*)\} from 'vouch'/g)) {
        for (const name of names.split(',')) assert(name.trim() in vouch, `${page} imports ${name.trim()}`)
      }
    }
  })
}

test('every option that the documentation gives to a request exists', () => {
  const options = pages.flatMap((page) =>
    [
      ...readFileSync(page, 'utf8').matchAll(
        /(?<!https\.|axios\.)\b(?:get|post|put|patch|delete)\(\w*[uU]rl, \{ (\w+)/g,
      ),
    ].map((match) => match[1]),
  )
  assert(options.length > 5)
  for (const option of options) checkOptionNames({ [option as string]: undefined }, 'the request', REQUEST_OPTIONS)
})

test('every reason of an SSLError has its entry in the troubleshooting guide', () => {
  const reasons: Readonly<Record<SSLErrorReason, true>> = {
    'self-signed': true,
    'unknown-ca': true,
    'missing-intermediate': true,
    expired: true,
    'not-yet-valid': true,
    'hostname-mismatch': true,
    'pin-mismatch': true,
    'wrong-purpose': true,
    'invalid-ca': true,
    weak: true,
    revoked: true,
    'client-certificate': true,
    'not-tls': true,
    protocol: true,
    'bad-bundle': true,
    other: true,
  }
  const guide = readFileSync('docs/troubleshooting.md', 'utf8')
  const entries = [...guide.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading)
  assert.deepEqual(entries.sort(), Object.keys(reasons).sort())
})

/** The anchors of the headings, as GitHub makes them. */
function anchorsOf(markdown: string): Set<string> {
  const headings = [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading)
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
}
