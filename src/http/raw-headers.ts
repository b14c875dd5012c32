/** Headers as Node receives them: a list of alternating names and values. */

/** The values of a header, without making a `Headers`, which loads all of fetch (10 ms once). @param name in lower case */
export function headerValues(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = []
  for (const [each, value] of headerPairs(rawHeaders)) {
    if (each.length === name.length && each.toLowerCase() === name) values.push(value)
  }
  return values
}

/** Name and value of each line, as received. */
export function* headerPairs(rawHeaders: readonly string[]): Generator<[name: string, value: string]> {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    yield [rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '']
  }
}
