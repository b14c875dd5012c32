/** The Link header (RFC 8288). */
import { linkHeader } from '../core/lazy.ts'

/** A link: its URL, and its parameters (`rel`, `title` …) as text. */
export interface Link {
  url: string
  [parameter: string]: string
}

/** The links of a response's Link headers by relation, or by URL if they have none; malformed links are left out. */
export function parseLinkHeader(values: readonly string[]): Record<string, Link> {
  const links: Record<string, Link> = Object.create(null)
  for (const value of values) {
    for (const { uri, ...parameters } of parseLinks(value)) {
      links[parameters.rel ?? uri] = { ...asText(parameters), url: uri }
    }
  }
  return links
}

/** Parses link by link, so that a malformed one does not affect the others. As in requests, single quotes count as double ones. */
function parseLinks(value: string): ReturnType<ReturnType<typeof linkHeader>['parse']>['refs'] {
  return (value.match(LINK) ?? []).flatMap((link) => {
    if (link.length > MAX_LINK_LENGTH) return []
    try {
      return linkHeader().parse(link.replace(QUOTED, doubleQuotes)).refs
    } catch {
      return []
    }
  })
}

/** The parser returns values in the form of RFC 8187 (`title*=UTF-8''x`) as objects. */
function asText(parameters: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts = Object.entries(parameters).map(([name, value]) => [
    name,
    String(typeof value === 'object' && value !== null && 'value' in value ? value.value : value),
  ])
  return Object.fromEntries(texts)
}

/** Characters. The parser's time grows with the square of the length: 25 ms for this one. */
const MAX_LINK_LENGTH = 8192

/** A URL and its parameters up to a comma outside quotes; unclosed quotes extend to the end. */
const LINK = /<[^<>]*>(?:[^,<"]|"(?:[^"\\]|\\.)*(?:"|\\?$))*/g
/** The URL or a value in double quotes, which stay; or a value in single quotes, which is captured. */
const QUOTED = /^<[^>]*>|"(?:[^"\\]|\\.)*(?:"|\\?$)|=\s*'([^'"]*)'/g

function doubleQuotes(quoted: string, value: string | undefined): string {
  return value === undefined ? quoted : `="${value}"`
}
