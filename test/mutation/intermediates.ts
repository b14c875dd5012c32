/** Intermediates that are fetched help, and are not trusted. */
import { type Mutant, mutantsOf } from './mutant.ts'

const TEST = 'client/fetch-intermediates.test.ts'

export const MUTANTS: readonly Mutant[] = mutantsOf('I2', [
  [
    'a fetched certificate that is no CA is an issuer',
    ["  if (!candidate.ca) return 'no-ca'\n", ''],
    TEST,
    'one that is no CA instead of the issuer',
  ],
  [
    'the signature of a fetched issuer is not looked at',
    ["  if (!signed(candidate, certificate)) return 'signature'\n", ''],
    TEST,
    'one of its name with another key instead of the issuer',
  ],
  [
    'the dates of a fetched issuer are not looked at',
    ["return isValid ? undefined : 'date'", 'return isValid ? undefined : undefined'],
    TEST,
    'one that has expired instead of the issuer',
  ],
  [
    'fetched certificates are anchors',
    ['bundle.withIntermediates(...intermediates)', 'bundle.with(...intermediates)'],
    TEST,
    'the constraints of a trusted root count',
  ],
  [
    'a second handshake that fails is taken for a success',
    ['return { ...NOTHING, findings, hints: error.hints }', 'return { intermediates, findings, hints: error.hints }'],
    TEST,
    'a host name that does not match stays one',
  ],
  [
    'a chain that is complete makes the server trusted',
    ["reason: isComplete ? 'missing-intermediate' : error.reason", 'reason: isComplete ? null : error.reason'],
    TEST,
    'an intermediate that is fetched as DER',
  ],
  [
    'a fetched root is an intermediate',
    ['      if (isSelfSigned(issuer)) return nothing(say.endsUntrusted(issuer))\n', ''],
    TEST,
    'a root that is not trusted instead of the issuer',
  ],
  [
    'addresses of any scheme are fetched',
    [".filter((url) => url?.protocol === 'http:')", '.filter((url) => url !== null)'],
    TEST,
    'only http: addresses are fetched',
  ],
  [
    'any amount is read',
    ['if (size > limit) return undefined', 'if (size > 100 * limit) return undefined'],
    TEST,
    'too much, as announced instead of the issuer',
  ],
  [
    'any number of certificates is fetched',
    ['const MAX_HOPS = 3', 'const MAX_HOPS = 9'],
    TEST,
    'several intermediates are fetched one above the other',
  ],
])
