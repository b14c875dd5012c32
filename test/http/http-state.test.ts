/**
 * The parser cases of the IETF's working group http-state (github.com/abarth/http-state, tests/data/parser.json), by their numbers
 * there. Dates that have passed since are later here.
 */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CookieJar } from '../../src/http/cookies.ts'

/** The Set-Cookie headers of `http://home.example.org:8888/cookie-parser`, the Cookie header, and where that is sent. */
type Case = readonly [id: string, received: string | readonly string[], sent: string, to?: string]

const RESULT = '/cookie-parser-result'
const EAST = '春节回家路·春运完全手册'

const CASES: readonly Case[] = [
  ['0001', 'foo=bar', 'foo=bar'],
  ['0002', 'foo=bar; Expires=Fri, 07 Aug 2119 08:04:19 GMT', 'foo=bar'],
  [
    '0003',
    ['foo=bar; Expires=Fri, 07 Aug 2007 08:04:19 GMT', 'foo2=bar2; Expires=Fri, 07 Aug 2117 08:04:19 GMT'],
    'foo2=bar2',
  ],
  ['0004', 'foo', ''],
  ['0005', 'foo=bar; max-age=10000;', 'foo=bar'],
  ['0006', 'foo=bar; max-age=0;', ''],
  ['0007', 'foo=bar; version=1;', 'foo=bar'],
  ['0008', 'foo=bar; version=1000;', 'foo=bar'],
  ['0009', 'foo=bar; customvalue=1000;', 'foo=bar'],
  ['0010', 'foo=bar; secure;', ''],
  ['0011', 'foo=bar; customvalue="1000 or more";', 'foo=bar'],
  ['0012', 'foo=bar; customvalue="no trailing semicolon"', 'foo=bar'],
  ['0013', ['foo=bar', 'foo=qux'], 'foo=qux'],
  ['0014', ['foo1=bar', 'foo2=qux'], 'foo1=bar; foo2=qux'],
  ['0015', ['a=b', 'z=y'], 'a=b; z=y'],
  ['0016', ['z=y', 'a=b'], 'z=y; a=b'],
  ['0017', 'z=y, a=b', 'z=y, a=b'],
  ['0018', 'z=y; foo=bar, a=b', 'z=y'],
  ['0019', 'foo=b;max-age=3600, c=d;path=/', 'foo=b'],
  ['0020', ['a=b', '=', 'c=d'], 'a=b; c=d'],
  ['0021', ['a=b', '=x', 'c=d'], 'a=b; c=d'],
  ['0022', ['a=b', 'x=', 'c=d'], 'a=b; x=; c=d'],
  ['0023', ['foo', ''], ''],
  ['0024', ['foo', '='], ''],
  ['0025', ['foo', '; bar'], ''],
  ['0026', ['foo', '   '], ''],
  ['0027', ['foo', 'bar'], ''],
  ['ATTRIBUTE0001', 'foo=bar; Secure', ''],
  ['ATTRIBUTE0002', 'foo=bar; seCURe', ''],
  ['ATTRIBUTE0003', 'foo=bar; "Secure"', 'foo=bar'],
  ['ATTRIBUTE0004', 'foo=bar; Secure=', ''],
  ['ATTRIBUTE0005', 'foo=bar; Secure=aaaa', ''],
  ['ATTRIBUTE0006', 'foo=bar; Secure qux', 'foo=bar'],
  ['ATTRIBUTE0007', 'foo=bar; Secure =aaaaa', ''],
  ['ATTRIBUTE0008', 'foo=bar; Secure= aaaaa', ''],
  ['ATTRIBUTE0009', 'foo=bar; Secure; qux', ''],
  ['ATTRIBUTE0010', 'foo=bar; Secure;qux', ''],
  ['ATTRIBUTE0011', 'foo=bar; Secure    ; qux', ''],
  ['ATTRIBUTE0012', 'foo=bar;                Secure', ''],
  ['ATTRIBUTE0013', 'foo=bar;       Secure     ;', ''],
  ['ATTRIBUTE0014', 'foo=bar; Path', 'foo=bar'],
  ['ATTRIBUTE0015', 'foo=bar; Path=', 'foo=bar'],
  ['ATTRIBUTE0016', 'foo=bar; Path=/', 'foo=bar'],
  ['ATTRIBUTE0017', 'foo=bar; Path=/qux', ''],
  ['ATTRIBUTE0018', 'foo=bar; Path    =/qux', ''],
  ['ATTRIBUTE0019', 'foo=bar; Path=    /qux', ''],
  ['ATTRIBUTE0020', 'foo=bar; Path=/qux      ; taz', ''],
  ['ATTRIBUTE0021', 'foo=bar; Path=/qux; Path=/', 'foo=bar'],
  ['ATTRIBUTE0022', 'foo=bar; Path=/; Path=/qux', ''],
  ['ATTRIBUTE0023', `foo=bar; Path=/qux; Path=${RESULT}`, 'foo=bar'],
  ['ATTRIBUTE0024', `foo=bar; Path=${RESULT}; Path=/qux`, ''],
  ['ATTRIBUTE0025', 'foo=bar; qux; Secure', ''],
  ['ATTRIBUTE0026', 'foo=bar; qux="aaa;bbb"; Secure', ''],
  ['CHARSET0001', `foo=${EAST}`, `foo=${EAST}`],
  ['CHARSET0002', '春节回=家路·春运完全手册', '春节回=家路·春运完全手册'],
  ['CHARSET0003', '春节回=家路·春运; 完全手册', '春节回=家路·春运'],
  ['CHARSET0004', `foo="${EAST}"`, `foo="${EAST}"`],
  ['CHROMIUM0002', 'aBc="zzz "   ;', 'aBc="zzz "'],
  ['CHROMIUM0004', 'aBc="zz;pp" ; ;', 'aBc="zz'],
  ['CHROMIUM0005', 'aBc="zz ;', 'aBc="zz'],
  ['CHROMIUM0006', 'aBc="zzz "   "ppp"  ;', 'aBc="zzz "   "ppp"'],
  ['CHROMIUM0008', 'aBc=A"B ;', 'aBc=A"B'],
  ['CHROMIUM0009', 'BLAHHH; path=/;', ''],
  ['CHROMIUM0010', '"BLA\\"HHH"; path=/;', ''],
  ['CHROMIUM0011', 'a="B', 'a="B'],
  ['CHROMIUM0012', '=ABC', ''],
  ['CHROMIUM0013', 'ABC=;  path = /', 'ABC='],
  ['CHROMIUM0014', '  A  = BC  ;foo;;;   bar', 'A=BC'],
  ['CHROMIUM0015', '  A=== BC  ;foo;;;   bar', 'A=== BC'],
  ['CHROMIUM0016', 'foo="zohNum"  ; expires=Sun, 18-Apr-2127 21:06:29 GMT ; path=/  ;  ', 'foo="zohNum"'],
  ['CHROMIUM0018', '    ', ''],
  ['CHROMIUM0019', 'a'.repeat(4096), ''],
  ['CHROMIUM0021', '', ''],
  ['COMMA0001', 'foo=bar, baz=qux', 'foo=bar, baz=qux'],
  ['COMMA0002', 'foo="bar, baz=qux"', 'foo="bar, baz=qux"'],
  ['COMMA0003', 'foo=bar; b,az=qux', 'foo=bar'],
  ['COMMA0004', 'foo=bar; baz=q,ux', 'foo=bar'],
  ['COMMA0005', 'foo=bar; Max-Age=50,399', 'foo=bar'],
  ['COMMA0006', 'foo=bar; Expires=Fri, 07 Aug 2119 08:04:19 GMT', 'foo=bar'],
  ['COMMA0007', 'foo=bar; Expires=Fri 07 Aug 2119 08:04:19 GMT, baz=qux', 'foo=bar'],
  ...domainCases(),
  ['MOZILLA0001', 'foo=bar; max-age=-1', ''],
  ['MOZILLA0003', 'foo=bar; expires=Thu, 10 Apr 1980 16:33:12 GMT', ''],
  ['MOZILLA0004', 'foo=bar; max-age=60', 'foo=bar'],
  ['MOZILLA0005', 'foo=bar; max-age=-20', ''],
  ['MOZILLA0008', ['foo=bar; max-age=60', 'foo1=bar; max-age=60'], 'foo=bar; foo1=bar'],
  ['MOZILLA0009', ['foo=bar; max-age=60', 'foo1=bar; max-age=60', 'foo=other; max-age=0'], 'foo1=bar'],
  [
    'MOZILLA0010',
    ['foo=bar; max-age=60', 'foo1=bar; max-age=60', 'foo=other; max-age=0', 'foo2=x; max-age=0'],
    'foo1=bar',
  ],
  ['MOZILLA0011', 'test=parser; domain=.parser.test; ;; ;=; ,,, ===,abc,=; abracadabra! max-age=20;=;;', ''],
  ['MOZILLA0012', ['test="fubar! = foo;bar\\";" parser; max-age=6', 'five; max-age=2.63,'], 'test="fubar! = foo'],
  ['MOZILLA0013', ['test=kill; max-age=0', 'five; max-age=0'], ''],
  ['MOZILLA0014', 'six', ''],
  ['MOZILLA0016', ['six', 'seven', ' =eight'], ''],
  ['MOZILLA0017', ['six', 'seven', ' =eight', 'test=six'], 'test=six'],
  ...['a', '1', '$', '!a', '@a', '#a', '$a', '%a', '^a', '&a', '*a', '(a', ')a', '-a', '_a', '+'].map(
    (name, index): Case => [`NAME${String(index + 1).padStart(4, '0')}`, `${name}=bar`, `${name}=bar`],
  ),
  ['NAME0017', '=a=bar', ''],
  ['NAME0018', 'a =bar', 'a=bar'],
  ['NAME0019', '"a=bar', '"a=bar'],
  ['NAME0020', '"a=b"=bar', '"a=b"=bar'],
  ['NAME0021', ['"a=b"=bar', '"a=qux'], '"a=qux'],
  ['NAME0022', '   foo=bar', 'foo=bar'],
  ['NAME0023', 'foo;bar=baz', ''],
  ['NAME0024', '$Version=1; foo=bar', '$Version=1'],
  ['NAME0025', '===a=bar', ''],
  ['NAME0026', 'foo=bar    ', 'foo=bar'],
  ['NAME0027', 'foo=bar    ;', 'foo=bar'],
  ['NAME0028', '=a', ''],
  ['NAME0029', '=', ''],
  ['NAME0030', 'foo bar=baz', 'foo bar=baz'],
  ['NAME0031', '"foo;bar"=baz', ''],
  ['NAME0032', ['"foo\\"bar', '"foo\\"bar;baz"=qux'], ''],
  ['NAME0033', ['=foo=bar', 'aaa'], ''],
  ['PATH0001', ['a=b; path=/', `x=y; path=${RESULT}`], 'x=y; a=b'],
  ['PATH0002', [`a=b; path=${RESULT}`, 'x=y; path=/'], 'a=b; x=y'],
  ['PATH0003', ['x=y; path=/', `a=b; path=${RESULT}`], 'a=b; x=y'],
  ['PATH0004', [`x=y; path=${RESULT}`, 'a=b; path=/'], 'x=y; a=b'],
  ['PATH0005', `foo=bar; path=${RESULT}/foo`, ''],
  ['PATH0006', ['foo=bar', `foo=qux; path=${RESULT}/foo`], 'foo=bar'],
  ['PATH0007', `foo=bar; path=${RESULT}/foo`, 'foo=bar', `${RESULT}/foo`],
  ['PATH0008', `foo=bar; path=${RESULT}/foo`, '', `${RESULT}/bar`],
  ['PATH0009', `foo=bar; path=${RESULT}/foo/qux`, '', `${RESULT}/foo`],
  ['PATH0010', `foo=bar; path=${RESULT}/foo/qux`, 'foo=bar', `${RESULT}/foo/qux`],
  ['PATH0011', `foo=bar; path=${RESULT}/foo/qux`, '', `${RESULT}/bar/qux`],
  ['PATH0012', `foo=bar; path=${RESULT}/foo/qux`, '', `${RESULT}/foo/baz`],
  ['PATH0013', `foo=bar; path=${RESULT}/foo/qux/`, '', `${RESULT}/foo/baz`],
  ['PATH0014', `foo=bar; path=${RESULT}/foo/qux/`, '', `${RESULT}/foo/qux`],
  ['PATH0015', `foo=bar; path=${RESULT}/foo/qux/`, 'foo=bar', `${RESULT}/foo/qux/`],
  ['PATH0016', `foo=bar; path=${RESULT}/foo/`, 'foo=bar', `${RESULT}/foo/qux`],
  ['PATH0017', `foo=bar; path=${RESULT}/foo/`, 'foo=bar', `${RESULT}/foo//qux`],
  ['PATH0018', `foo=bar; path=${RESULT}/foo/`, '', `${RESULT}/fooqux`],
  ['PATH0019', 'foo=bar; path', 'foo=bar'],
  ['PATH0020', 'foo=bar; path=', 'foo=bar'],
  ['PATH0022', 'foo=bar; path= /', 'foo=bar'],
  ['PATH0023', 'foo=bar; Path=/cookie-PARSER-result', ''],
  ['PATH0024', `foo=bar; path=${RESULT}/foo/qux?`, '', `${RESULT}/foo/qux`],
  ['PATH0025', `foo=bar; path=${RESULT}/foo/qux#`, '', `${RESULT}/foo/qux`],
  ['PATH0026', `foo=bar; path=${RESULT}/foo/qux;`, 'foo=bar', `${RESULT}/foo/qux`],
  ['PATH0027', `foo=bar; path="${RESULT}/foo/qux;"`, 'foo=bar', `${RESULT}/foo/qux`],
  ['PATH0028', `foo=bar; path=${RESULT}/f%6Fo/bar`, '', `${RESULT}/foo/bar`],
  ['PATH0029', [`a=b;       path    =       ${RESULT}   `, 'x=y;       path    =       /book   '], 'a=b'],
  ['PATH0030', 'foo=bar; path=/dog; path=', 'foo=bar'],
  ['PATH0031', 'foo=bar; path=; path=/dog', ''],
  ['PATH0032', [`foo=bar; path=${RESULT}`, `foo=qux; path=${RESULT}/`], 'foo=qux; foo=bar', `${RESULT}/dog`],
  ['VALUE0001', 'foo=  bar', 'foo=bar'],
  ['VALUE0002', 'foo="bar"', 'foo="bar"'],
  ['VALUE0003', 'foo="  bar "', 'foo="  bar "'],
  ['VALUE0004', 'foo="bar;baz"', 'foo="bar'],
  ['VALUE0005', 'foo="bar=baz"', 'foo="bar=baz"'],
  ['VALUE0006', '   foo     =       bar             ;       ttt', 'foo=bar'],
]

/** Number, Domain attributes, whether the cookie is sent, and the host it is sent to (in front of `example.org`). */
function domainCases(): Case[] {
  const cases: readonly (readonly [id: string, domains: readonly string[], isSent: boolean, host?: string])[] = [
    ['0001', ['home.example.org'], true],
    ['0002', ['home.example.org'], false, 'sibling'],
    ['0003', ['.home.example.org'], true],
    ['0004', ['home.example.org'], true, 'subdomain.home'],
    ['0005', ['.home.example.org'], true, 'subdomain.home'],
    ['0006', ['.home.example.org'], false, 'sibling'],
    ['0007', ['sibling.example.org'], false, 'sibling'],
    ['0008', ['.example.org'], true],
    ['0009', ['example.org'], true],
    ['0010', ['..home.example.org'], false],
    ['0011', ['home..example.org'], false],
    ['0012', ['  .home.example.org'], true],
    ['0013', ['  .  home.example.org'], false],
    ['0014', ['home.example.org.'], false],
    ['0015', ['home.example.org..'], false],
    ['0016', ['home.example.org .'], false],
    ['0017', ['.org'], false],
    ['0018', ['.org.'], false],
    ['0021', ['"home.example.org"'], false],
    ['0024', ['.example.org', 'home.example.org'], false, 'sibling'],
    ['0025', ['home.example.org', '.example.org'], true, 'sibling'],
    ['0026', ['home.eXaMpLe.org'], true],
    ['0027', ['home.example.org:8888'], false],
    ['0028', ['subdomain.home.example.org'], false, 'subdomain.home'],
    ['0029', [], false, 'subdomain.home'],
    ['0033', ['home.example.org'], true, 'hoMe'],
    ['0034', ['home.example.org', 'home.example.com'], false],
    ['0035', ['home.example.com', 'home.example.org'], true],
    ['0036', ['home.example.org', 'home.example.com', 'home.example.org'], true],
    ['0037', ['home.example.com', 'home.example.org', 'home.example.com'], false],
    ['0039', ['home.example.org', 'example.org'], true],
    ['0040', ['example.org', 'home.example.org'], true],
    ['0041', ['.sibling.example.org'], false, 'sibling'],
    ['0042', ['.sibling.home.example.org'], false, 'sibling.home'],
    ['0030 (optional)', [''], true],
    ['0041 (optional)', ['example.org', ''], true],
    ['0042 (optional)', ['foo.example.org', ''], false],
    ['0043 (optional)', ['foo.example.org', ''], false, 'subdomain.home'],
  ]
  return cases.map(([id, domains, isSent, host = 'home']) => {
    const line = ['foo=bar', ...domains.map((domain) => `domain=${domain}`)].join('; ')
    return [`DOMAIN${id}`, line, isSent ? 'foo=bar' : '', `http://${host}.example.org:8888${RESULT}`]
  })
}

const ORDERING = [
  'key=val0;',
  `key=val1; path=${RESULT}`,
  'key=val2; path=/',
  'key=val3; path=/bar',
  'key=val4; domain=.example.org',
  `key=val5; domain=.example.org; path=${RESULT}/foo`,
]

const SERVER = new URL('http://home.example.org:8888/cookie-parser')

/** As Node hands them over: each byte is a character. */
const asReceived = (text: string) => Buffer.from(text).toString('latin1')

for (const [id, received, sent, to = RESULT] of CASES) {
  test(`http-state ${id}`, () => {
    const jar = new CookieJar()
    jar.store([received].flat().map(asReceived), SERVER)
    assert.equal(jar.headerFor(new URL(to, SERVER), true) ?? '', asReceived(sent))
  })
}

test('http-state ORDERING0001: cookies of longer paths come first, as RFC 6265 section 5.4 says', () => {
  const jar = new CookieJar()
  jar.store(ORDERING, SERVER)
  const header = jar.headerFor(new URL(`${RESULT}/foo/baz`, SERVER), true)
  assert.equal(header, 'key=val5; key=val1; key=val2; key=val4')
})
