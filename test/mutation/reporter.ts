/** For `--test-reporter`: a line of JSON for each test, with the codes of the error that it failed with. */

export interface Outcome {
  readonly name: string
  readonly passed: boolean
  /** Of the error and its causes: `ERR_ASSERTION` among them says that the test itself has found fault. */
  readonly codes: readonly string[]
}

interface TestEvent {
  readonly type: string
  readonly data: { readonly name: string; readonly details?: { readonly error?: Error } }
}

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const outcome: Outcome = { name: data.name, passed: type === 'test:pass', codes: codesOf(data.details?.error) }
    yield `${JSON.stringify(outcome)}\n`
  }
}

function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  const { code = '' } = error as NodeJS.ErrnoException
  return [code, ...codesOf(error.cause)]
}
