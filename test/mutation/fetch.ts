/** What keeps the credentials and the trust of `fetch`. */
import { type Mutant, mutantsOf } from './mutant.ts'

const TEST = 'client/fetch.test.ts'

export const MUTANTS: readonly Mutant[] = [
  ...mutantsOf('I2', [
    [
      'fetch passes over a dispatcher',
      ["  'dispatcher',\n", ''],
      TEST,
      'dispatcher in init is a TypeError that names the session',
    ],
  ]),
  ...mutantsOf('I5', [
    [
      'fetch hands the Authorization of a call to another origin',
      ["const ORIGIN_HEADERS = ['Authorization', ", 'const ORIGIN_HEADERS = ['],
      TEST,
      'credentials of a call stay behind when a redirect leads to another origin',
    ],
    [
      'fetch presents the client certificate to another origin',
      ['!== sent.target.origin) hop = { ...hop, cert: undefined }', '!== sent.target.origin) hop = { ...hop }'],
      TEST,
      'the client certificate of the session is presented, and stays behind',
    ],
    [
      'fetch sends cookies that were not asked for',
      ['call.withCookies ? session.cookies : new CookieJar()', 'session.cookies'],
      TEST,
      'no cookie goes out or in, unless credentials is include',
    ],
  ]),
]
