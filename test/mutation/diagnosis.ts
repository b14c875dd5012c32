/** What an explanation says: findings that would be concluded, not computed, and hints that would lead nowhere. */
import { type Mutant, mutantsOf } from './mutant.ts'

export const MUTANTS: readonly Mutant[] = mutantsOf('I2', [
  [
    'a file of a variable is named whatever it holds',
    ['if (!wouldAccept([...roots, ...anchors])) return []', 'if (anchors.length === 0) return []'],
    'diagnose/trust-hints.test.ts',
    'a file whose CA has expired',
  ],
  [
    'a certificate in the way is not looked for',
    ['const way = inTheWay(chain, found)', 'const way = undefined as ReturnType<typeof inTheWay>'],
    'diagnose/refusals.test.ts',
    'two CAs of one name and key, the first of them constrained',
  ],
  [
    'the settings of a trusted certificate are not read',
    ['this.hasSettings && refusesServers(bytes)', 'false'],
    'diagnose/refusals.test.ts',
    'a CA with settings that refuse it for servers',
  ],
  [
    'the first trusted CA of a name counts, valid or not',
    ['taken: [...current, ...dated]', 'taken: fit'],
    'diagnose/refusals.test.ts',
    'an expired CA before its successor',
  ],
  [
    'a name that nothing can match is one that the certificate lists',
    ['isWritten(name) && isValidFor(', 'isIP(name) === 0 || isValidFor('],
    'diagnose/names.test.ts',
    'a certificate with DNS:localhost',
  ],
  [
    'an alert about a certificate is one about the client',
    [
      'if (refusal && client !== undefined) return refused(client, ...refusal)',
      "if (refusal) return refused(client ?? '', ...refusal)",
    ],
    'diagnose/handshakes.test.ts',
    'each alert has a reason and hints',
  ],
])
