import { COLD, COLUMNS, compete, HAS_REQUESTS, WARM } from '../contender.ts'
import { BUNDLED } from '../server.ts'
import { atLeast, atMost, type Workload } from '../workload.ts'

export const perCall: Workload = {
  id: 'P3',
  title: `Trust given with each call, without a session; a bundle of ${BUNDLED} certificates`,
  async run({ url, bundle, certificate }) {
    const peers = ['axios', 'undici request', 'undici fetch', 'Python requests'] as const
    const results = await compete(['vouch', ...peers], {
      way: 'perCall',
      url,
      ca: bundle,
      warmUp: COLD,
      rounds: 7,
      requests: 100,
    })
    // Against the smallest trust that there is, in a session; with as many requests as it takes to be sure.
    const effort = { url, warmUp: WARM, rounds: 9, requests: 2000 }
    const each = await compete(['vouch'], { ...effort, way: 'perCall', ca: bundle })
    const session = await compete(['vouch'], { ...effort, way: 'keepAlive', ca: certificate })
    const against = (peer: (typeof peers)[number]) => results.ratio(peer, 'vouch', 'wall')
    return {
      columns: COLUMNS,
      rows: results.rows(),
      targets: [
        atLeast(15, '×', against('axios'), 'faster than axios given `ca`'),
        atLeast(15, '×', against('undici request'), 'faster than undici request given `ca`'),
        atLeast(15, '×', against('undici fetch'), 'faster than undici fetch given `ca`'),
        ...(HAS_REQUESTS ? [atLeast(50, '×', against('Python requests'), 'faster than Python requests')] : []),
        atMost(1.1, '×', each.get('vouch', 'cpu') / session.get('vouch', 'cpu'), 'CPU against P1'),
      ],
    }
  },
}
