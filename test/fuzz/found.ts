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
