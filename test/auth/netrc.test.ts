import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { NetrcError, netrcAuth, parseNetrc } from '../../src/auth/netrc.ts'
import { expectWarnings } from '../helpers/environment.ts'
import { tempDir } from '../helpers/temp.ts'

const dir = tempDir()
after(() => dir[Symbol.dispose]())

const URL_ = new URL('https://api.example/')
let count = 0

/** What a file with this text has for a URL. */
function auth(text: string, url: URL = URL_): readonly [string, string] | undefined {
  return netrcAuth(url, { NETRC: dir.write(`netrc-${count++}`, text) })
}

const FILES: [what: string, text: string, expected: [string, string] | undefined][] = [
  ['one line', 'machine api.example login ada password secret', ['ada', 'secret']],
  ['several lines', 'machine api.example\n\tlogin ada\r\n  password secret\n', ['ada', 'secret']],
  ['user instead of login, and the other order', 'machine api.example password secret user ada', ['ada', 'secret']],
  ['account where there is no login', 'machine api.example account acc password secret', ['acc', 'secret']],
  ['login before account', 'machine api.example account acc login ada password secret', ['ada', 'secret']],
  ['a password alone', 'machine api.example password secret', ['', 'secret']],
  ['a login alone', 'machine api.example login ada', ['ada', '']],
  ['an entry without anything', 'machine api.example default login d password p', undefined],
  [
    'the last of several entries',
    'machine api.example login a password b machine api.example login c password d',
    ['c', 'd'],
  ],
  ['default', 'machine other login a password b default login c password d', ['c', 'd']],
  ['default before its turn', 'default login c password d machine api.example login a password b', ['a', 'b']],
  ['nobody', 'machine other login a password b', undefined],
  ['an empty file', '', undefined],
  ['a name in capitals', 'machine API.Example login a password b', ['a', 'b']],
  ['quotes and backslashes', 'machine "api.example" login "a \\"b\\"" password c\\ d\\\\e', ['a "b"', 'c d\\e']],
  ['an empty password in quotes', 'machine api.example login a password "" account x', ['a', '']],
  ['comments', '# of mine\nmachine api.example # here\n#login x\nlogin a password #b # that\n', ['a', '#b']],
  [
    'a macro',
    'macdef init\ncd /tmp\nmachine api.example login x password y\n\nmachine api.example login a password b',
    ['a', 'b'],
  ],
  ['a byte-order mark', '\ufeffmachine api.example login a password b', ['a', 'b']],
  ['accents', 'machine api.example login ädä password größe', ['ädä', 'größe']],
]

for (const [what, text, expected] of FILES) {
  test(`a file with ${what}`, () => assert.deepEqual(auth(text), expected))
}

const HOSTS: [url: string, found: boolean][] = [
  ['https://api.example/', true],
  ['http://API.EXAMPLE:8080/path?x=other', true],
  ['https://user:password@api.example/', true],
  // CVE-2024-47081
  ['http://api.example:@other.example/', false],
  ['http://api.example@other.example/', false],
  ['http://other.example/#api.example', false],
  ['http://www.api.example/', false],
]

for (const [url, found] of HOSTS) {
  test(`${url} ${found ? 'is' : 'is not'} for the machine api.example`, () => {
    const expected = found ? ['a', 'b'] : undefined
    assert.deepEqual(auth('machine api.example login a password b', new URL(url)), expected)
  })
}

test('an IPv6 address stands without brackets', () => {
  assert.deepEqual(auth('machine ::1 login a password b', new URL('http://[::1]:8080/')), ['a', 'b'])
})

const BROKEN: [text: string, problem: string][] = [
  ['secret', 'line 1: expected machine, default or macdef'],
  ['machine a login b\nsecret', 'line 2: expected login, account or password'],
  ['machine', 'line 1: expected the name of a machine'],
  ['\n\nmacdef init\ncd', 'line 3: expected an empty line at the end of the macro'],
  ['machine api.example login ada password my secret', 'line 1: expected login, account or password'],
]

for (const [text, problem] of BROKEN) {
  test(`${JSON.stringify(text)} is ignored with one warning, which quotes none of it`, async () => {
    const path = dir.write(`netrc-${count++}`, text)
    const warnings = await expectWarnings('NetrcWarning', () => {
      for (let times = 0; times < 3; times++) assert.equal(netrcAuth(URL_, { NETRC: path }), undefined)
    })
    assert.deepEqual(
      warnings.map(({ message }) => message),
      [`the netrc file ${path} is ignored, because it cannot be used: ${problem}`],
    )
    assert.match(warnings[0]?.detail ?? '', /trustEnv: false/)
  })
}

test('a directory is warned about', async () => {
  mkdirSync(dir.join('folder'))
  const [warning] = await expectWarnings('NetrcWarning', () => netrcAuth(URL_, { NETRC: dir.join('folder') }))
  assert.match(warning?.message ?? '', /not a regular file/)
})

test('NETRC names the only file, also when it is empty or there is none', () => {
  const home = process.env.HOME
  process.env.HOME = dir.path
  try {
    const file = dir.write('.netrc', 'machine api.example login home password h')
    const other = dir.write('_netrc', 'machine api.example login other password o')
    assert.deepEqual(netrcAuth(URL_, {}), ['home', 'h'])
    rmSync(file)
    assert.deepEqual(netrcAuth(URL_, {}), ['other', 'o'])
    assert.equal(netrcAuth(URL_, { NETRC: '' }), undefined)
    assert.equal(netrcAuth(URL_, { NETRC: dir.join('none') }), undefined)
    assert.deepEqual(netrcAuth(URL_, { NETRC: '~/_netrc' }), ['other', 'o'])
    rmSync(other)
    assert.equal(netrcAuth(URL_, {}), undefined)
  } finally {
    process.env.HOME = home
  }
})

test('without a home directory there is no netrc file, unless NETRC names one', () => {
  const home = process.env.HOME
  const file = dir.write('.netrc', 'machine api.example login home password h')
  const before = process.cwd()
  process.chdir(dir.path)
  try {
    // Of the working directory there is one.
    for (const none of ['', '.']) {
      process.env.HOME = none
      assert.equal(netrcAuth(URL_, {}), undefined)
      assert.equal(netrcAuth(URL_, { NETRC: '~/.netrc' }), undefined)
      assert.deepEqual(netrcAuth(URL_, { NETRC: file }), ['home', 'h'])
    }
  } finally {
    process.chdir(before)
    process.env.HOME = home
    rmSync(file)
  }
})

test('a changed file counts at once', () => {
  const path = dir.write('changing', 'machine api.example login a password b')
  assert.deepEqual(netrcAuth(URL_, { NETRC: path }), ['a', 'b'])
  dir.write('changing', 'machine api.example login a password c')
  assert.deepEqual(netrcAuth(URL_, { NETRC: path }), ['a', 'c'])
})

test('that there is no file is believed for a second, and no longer; of that place only', (t) => {
  let now = Math.ceil(performance.now())
  t.mock.method(performance, 'now', () => now)
  const missing = dir.join('missing')
  const there = dir.write('there', 'machine api.example login a password b')
  assert.equal(netrcAuth(URL_, { NETRC: missing }), undefined)
  dir.write('missing', 'machine api.example login late password l')
  now += 999
  assert.equal(netrcAuth(URL_, { NETRC: missing }), undefined)
  assert.deepEqual(netrcAuth(URL_, { NETRC: there }), ['a', 'b'])
  now += 1
  assert.deepEqual(netrcAuth(URL_, { NETRC: missing }), ['late', 'l'])
})

test('any words come back out of a file that holds them in quotes', () => {
  const quote = (word: string) => `"${word.replace(/["\\]/g, '\\$&')}"`
  const word = fc.string({ minLength: 1, unit: 'binary' }).filter((text) => !/[\r]/.test(text) && text.isWellFormed())
  fc.assert(
    fc.property(word, word, word, (name, login, password) => {
      const parsed = parseNetrc(`machine ${quote(name)} login ${quote(login)} password ${quote(password)}`)
      assert.deepEqual([...parsed], [[name.toLowerCase(), [login, password]]])
    }),
  )
})

test('any text is parsed or refused with a NetrcError, in time that grows with its length', () => {
  const words = fc.constantFrom('machine', 'default', 'macdef', 'login', 'password', '"', '\\', '#', ' ', '\n', 'x')
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words).map((list) => list.join('')),
      ),
      (text) => {
        try {
          return parseNetrc(text).size >= 0
        } catch (error) {
          return error instanceof NetrcError
        }
      },
    ),
    { numRuns: 2000 },
  )
  for (const part of ['"', '\\', '#\n', 'machine x ', '"\\']) {
    assert.doesNotThrow(() => {
      try {
        parseNetrc(part.repeat(200_000))
      } catch (error) {
        assert(error instanceof NetrcError, String(error))
      }
    })
  }
})
