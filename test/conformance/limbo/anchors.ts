/** What is trusted: single certificates of a path, pinned ones, and what they say themselves; and the dates of all. */
import { chain, direct, type LimboCase } from './case.ts'
import { authority, type Forged, type Forgery, generalizedTime, leaf, utcTime } from './forge.ts'

const PARTIAL = 'X509_V_FLAG_PARTIAL_CHAIN: any certificate can be an anchor'
const VALID = 'RFC 5280, section 6.1.3 (a) (2): each certificate of the path is valid now'
const TIME = 'RFC 5280, section 4.1.2.5: UTCTime to 2049, GeneralizedTime from 2050 on, to the second, in Z'

const EXPIRED: Forgery = { from: -100, to: -1 }

interface Pinned {
  readonly name: string
  /** Anchors of the path from the root down. */
  readonly pins: readonly ('root' | 'middle' | 'server')[]
  readonly root?: Forgery
  readonly middle?: Forgery
  readonly server?: Forgery
  /** Whether the intermediate is sent. Default: yes. */
  readonly alone?: boolean
  readonly valid: boolean
  readonly verdict?: LimboCase['verdict']
  readonly why?: string
}

const CHECKED = 'what is sent above a pinned certificate is checked, too'

const PINNED: readonly Pinned[] = [
  { name: 'the intermediate', pins: ['middle'], valid: true },
  { name: 'the intermediate, which is not sent', pins: ['middle'], alone: true, valid: true },
  { name: 'the intermediate, below an expired root', pins: ['middle'], root: EXPIRED, valid: true },
  { name: 'the intermediate, which has expired', pins: ['middle'], middle: EXPIRED, valid: false, verdict: 'expired' },
  {
    name: 'an intermediate that is no CA',
    pins: ['middle'],
    middle: { ca: false },
    valid: false,
    verdict: 'invalid-ca',
  },
  {
    name: 'an intermediate that may not sign',
    pins: ['middle'],
    middle: { usage: ['digitalSignature'] },
    valid: false,
    verdict: 'invalid-ca',
  },
  {
    name: 'an intermediate for clients',
    pins: ['middle'],
    middle: { purposes: ['clientAuth'] },
    valid: false,
    verdict: 'wrong-purpose',
  },
  { name: 'the server', pins: ['server'], valid: true },
  { name: 'the server, alone', pins: ['server'], alone: true, valid: true },
  { name: 'the server, below an expired root', pins: ['server'], root: EXPIRED, valid: true },
  {
    name: 'the server, alone, below an expired intermediate',
    pins: ['server'],
    middle: EXPIRED,
    alone: true,
    valid: true,
  },
  {
    name: 'the server, below an expired intermediate',
    pins: ['server'],
    middle: EXPIRED,
    valid: true,
    verdict: 'expired',
    why: CHECKED,
  },
  {
    name: 'the server, below one that is no CA',
    pins: ['server'],
    middle: { ca: false },
    valid: true,
    verdict: 'invalid-ca',
    why: CHECKED,
  },
  { name: 'the server, which has expired', pins: ['server'], server: EXPIRED, valid: false, verdict: 'expired' },
  {
    name: 'the server, which is for clients',
    pins: ['server'],
    server: { purposes: ['clientAuth'] },
    valid: false,
    verdict: 'wrong-purpose',
  },
  {
    name: 'the server and an expired root',
    pins: ['root', 'server'],
    root: EXPIRED,
    valid: true,
    verdict: 'expired',
    why: 'a path to a root goes before one to a pinned certificate',
  },
  { name: 'the intermediate and an expired root', pins: ['root', 'middle'], root: EXPIRED, valid: true },
  {
    name: 'an expired intermediate and its root',
    pins: ['root', 'middle'],
    middle: EXPIRED,
    valid: false,
    verdict: 'expired',
  },
]

function pinned(): LimboCase[] {
  return PINNED.map(
    ({ name, pins, alone = false, root = {}, middle = {}, server = {}, verdict = 'trusted', ...rest }) => {
      const top = authority(undefined, root)
      const above = authority(top, middle)
      const below = leaf(above, server)
      const of = { root: top, middle: above, server: below }
      return {
        ...rest,
        name: `pinned: ${name}`,
        rule: PARTIAL,
        verdict,
        sent: alone ? [below] : [below, above],
        anchors: pins.map((pin) => of[pin]),
      }
    },
  )
}

function selfSigned(): LimboCase[] {
  const own = (
    name: string,
    server: Forgery,
    rest: Pick<LimboCase, 'valid' | 'verdict'> & Partial<LimboCase>,
    other?: Forged,
  ): LimboCase => {
    const certificate = leaf(undefined, server)
    return {
      name: `self-signed: ${name}`,
      rule: PARTIAL,
      sent: [certificate],
      anchors: [other ?? certificate],
      ...rest,
    }
  }
  const signing: Forgery = { ca: true, usage: ['digitalSignature', 'keyCertSign'] }
  const stranger = leaf(undefined)
  return [
    own('no CA', {}, { valid: true, verdict: 'trusted' }),
    own('a CA', signing, { valid: true, verdict: 'trusted' }),
    own(
      'version 1, which has no names',
      { version: 1, subject: 'localhost' },
      { valid: false, verdict: 'hostname-mismatch' },
    ),
    own('expired', EXPIRED, { valid: false, verdict: 'expired' }),
    own('for clients', { purposes: ['clientAuth'] }, { valid: false, verdict: 'wrong-purpose' }),
    own('of another host', { names: [] }, { valid: false, verdict: 'hostname-mismatch' }),
    own('another of its name is trusted', {}, { valid: false, verdict: 'self-signed' }, stranger),
    own('a CA of another name is trusted', {}, { valid: false, verdict: 'self-signed' }, authority()),
    own(
      'another certificate of its key is trusted',
      { key: stranger.key },
      { valid: false, verdict: 'self-signed' },
      stranger,
    ),
    own(
      'the same, with key identifiers that are not said',
      { key: stranger.key, subjectKeyId: null, authorityKeyId: null },
      { valid: false, verdict: 'self-signed' },
      stranger,
    ),
  ]
}

function dates(): LimboCase[] {
  const at = (name: string, server: Forgery, verdict: LimboCase['verdict'], rest: Partial<LimboCase> = {}) =>
    direct({ name: `dates: ${name}`, rule: TIME, valid: verdict === 'trusted', verdict, ...rest }, { server })
  const lax = { valid: false, why: 'OpenSSL takes either form for any year' } as const
  return [
    at('an hour ago to in an hour', { from: -1 / 24, to: 1 / 24 }, 'trusted'),
    at('ended an hour ago', { to: -1 / 24 }, 'expired'),
    at('begins in an hour', { from: 1 / 24 }, 'not-yet-valid'),
    at('ends before it begins', { from: 1, to: -1 }, 'expired'),
    at('the earliest UTCTime', { from: utcTime('500101000000Z') }, 'trusted'),
    at('the latest UTCTime', { to: utcTime('491231235959Z') }, 'trusted'),
    at('a UTCTime of 1950', { to: utcTime('500101000000Z') }, 'expired'),
    at('the earliest GeneralizedTime', { to: generalizedTime('20500101000000Z') }, 'trusted'),
    at('no end', { to: generalizedTime('99991231235959Z') }, 'trusted'),
    at('GeneralizedTime before 2050', { to: generalizedTime('20491231235959Z') }, 'trusted', lax),
    at('fractions of seconds', { to: generalizedTime('20501231235959.5Z') }, 'other'),
    at('another zone', { to: utcTime('491231235959+0100') }, 'other'),
    at('a day that there is not', { to: utcTime('490230000000Z') }, 'other'),
    chain(
      { name: 'dates: an expired intermediate', rule: VALID, valid: false, verdict: 'expired' },
      { middle: EXPIRED },
    ),
    chain(
      { name: 'dates: an intermediate of tomorrow', rule: VALID, valid: false, verdict: 'not-yet-valid' },
      { middle: { from: 1 } },
    ),
    chain({ name: 'dates: an expired root', rule: VALID, valid: false, verdict: 'expired' }, { root: EXPIRED }),
    chain(
      { name: 'dates: a root of tomorrow', rule: VALID, valid: false, verdict: 'not-yet-valid' },
      { root: { from: 1 } },
    ),
    chain(
      { name: 'dates: a server that outlives its intermediate', rule: VALID, valid: true, verdict: 'trusted' },
      { middle: { to: 1 } },
    ),
  ]
}

export const anchorCases = (): LimboCase[] => [...pinned(), ...selfSigned(), ...dates()]
