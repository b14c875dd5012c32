/** URLs with a password, whole or mistyped, as they are passed where a path or a host is expected. */
import { inspect } from 'node:util'

export const SECRET_URLS = [
  'https://user:hunter2@host/x',
  'https://user:hun@ter2@host',
  'user:hun/ter2@host',
  'user:hunter2@host/x',
  'ftp://user:hunter2@host',
  'https://user%3Ahunter2%40host',
  'https://us\ner:hunt\ner2@host',
  'https://user:hunter2@[::1]:8443/',
  '//user:hunter2@host',
  'socks5h://user:hunter2@proxy:1080',
  'https://localhost:hunter2/',
  'https://user:hunter2＠host/x',
  'user:hunter2＠host/x',
] as const

/** Whether a text shows the password of one of {@link SECRET_URLS}, or a half of it. */
export function showsSecret(text: string): boolean {
  return /hunt|ter2|er2@|:hun\b/.test(text)
}

/** Everything that a log may show of a value: message, stack, properties, cause, and as JSON. */
export function shownOf(value: unknown): string {
  const { message, stack, cause } = Object(value) as Partial<Error>
  const json = JSON.stringify([value, { ...Object(value) }])
  const whole = inspect(value, { depth: 9, showHidden: true })
  return [String(value), message, stack, cause === undefined ? '' : shownOf(cause), json, whole].join('\n')
}
