/** The token of RFC 9110 section 5.6.2: names of headers, methods, cookies, parameters and authentication schemes. */

/** A character of a token, as a class of a regular expression. */
export const TOKEN_CHARACTER = "[\\w!#$%&'*+.^`|~-]"

const TOKEN = new RegExp(`^${TOKEN_CHARACTER}+$`)

/** Whether the text is a token. */
export function isToken(text: string): boolean {
  return TOKEN.test(text)
}
