/** URLs with a password, whole or mistyped, as they are passed where a path or a host is expected. */
import { inspect } from 'node:util'

/** For a server at this `host:port`, and at this port of ::1. */
export function secretUrls(host: string, port: number): readonly string[] {
  return [
    `https://user:hunter2@${host}/x`,
    `https://user:hun@ter2@${host}`,
    `user:hun/ter2@${host}`,
    `user:hunter2@${host}/x`,
    `ftp://user:hunter2@${host}`,
    `https://user%3Ahunter2%40${host}`,
    `https://us\ner:hunt\ner2@${host}`,
    `https://user:hunter2@[::1]:${port}/`,
    `//user:hunter2@${host}`,
    `socks5h://user:hunter2@${host}`,
  ]
}

export const SECRET_URLS = secretUrls('host', 8443)

/** Whether a text shows the password of {@link secretUrls}, or a half of it. */
export function showsSecret(text: string): boolean {
  return /hunt|ter2|er2@|:hun\b|hun[@/]/.test(text)
}

/** Everything that a log may show of a value: its message, stack, properties and causes, also the hidden ones, and JSON. */
export function shownOf(value: unknown): string {
  const texts = [
    String(value),
    inspect(value, { depth: 12, showHidden: true, maxStringLength: null }),
    inspect(value, { depth: 12, getters: true, maxStringLength: null }),
    JSON.stringify([value, { ...Object(value) }]),
  ]
  for (let error = value; error instanceof Error; error = error.cause) {
    texts.push(error.message, error.stack ?? '', JSON.stringify(Object.getOwnPropertyDescriptors(error)))
  }
  return texts.join('\n')
}
