/** Inputs that did harm once, by target: always tried. */

interface Links {
  before: string
  items: { url: string; rel: 'next'; quote: '"' | "'" }[]
  after: string
}

export const FOUND_LINKS: readonly Links[] = [
  // One item that makes no sense took all others with it; quotes of the wrong kind became a part of the name.
  { before: 'garbage', items: [{ url: 'https://a.test/2', rel: 'next', quote: "'" }], after: '' },
]

export const FOUND_URLS: readonly string[] = [
  // The URL parser drops the NUL and the tab: http, but none of the checks for it were made.
  '\0http://.',
  'ht\ttp://a.test/',
]

export const FOUND_PROXIES: readonly string[] = [
  // No host: a connection to this machine.
  'socks5h://?',
  'socks4:// ',
  // URL.canParse says yes, the parser no.
  `http://${'c'.repeat(17_000)}Q`,
  // The message showed the password: only http ends it at a backslash.
  'socks://ada:\\secret@b.test',
  // The message showed the password of a URL in the path of another without a host.
  'socks5h://\n/%0d%0ahttp://ada:secret@',
]

export const FOUND_REDIRECTS: readonly [base: string, location: string][] = [
  // The message showed the password.
  ['http://a.test/', 'https:ada:secret@'],
  ['http://a.test/', 'http://x\\ada:secret@'],
]

export const FOUND_LINES: readonly [contentType: string, content: Buffer, sizes: number[]][] = [
  // Node's decoder fails on a byte behind half of a damaged character.
  ['text/plain; charset=gb18030', Buffer.from('a\x810\x81b\n', 'latin1'), [4, 1]],
]

export const FOUND_ADAPTERS: readonly object[] = [
  // No text can be made of it for the message.
  { maxRetries: { total: Object.create(null) } },
]
