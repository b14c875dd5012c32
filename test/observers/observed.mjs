/** Sends requests while one observer is installed, and prints what came of it as JSON. `observed.mjs NAME VOUCH URL VERIFY` */
const [name, vouch, url, verify] = process.argv.slice(2)

/** Installs the observer; what it returns says what it saw. */
const OBSERVERS = {
  async opentelemetry() {
    const { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } = await import(
      '@opentelemetry/sdk-trace-node'
    )
    const { registerInstrumentations } = await import('@opentelemetry/instrumentation')
    const { HttpInstrumentation } = await import('@opentelemetry/instrumentation-http')
    const exporter = new InMemorySpanExporter()
    new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
    registerInstrumentations({ instrumentations: [new HttpInstrumentation()] })
    // It replaces the functions when a module is required, as `--require` of OpenTelemetry's guide does.
    const { createRequire } = await import('node:module')
    for (const module of ['http', 'https']) createRequire(import.meta.url)(module)
    const CLIENT = 2
    return () =>
      exporter
        .getFinishedSpans()
        .filter(({ kind }) => kind === CLIENT)
        .map((span) => ({
          name: span.name,
          url: span.attributes['http.url'] ?? span.attributes['url.full'],
          trace: span.spanContext().traceId,
        }))
  },
  async nock() {
    const { default: nock } = await import('nock')
    nock(new URL(url).origin, { allowUnmocked: true }).get('/mocked').reply(200, 'mocked')
    nock.enableNetConnect()
    return () => []
  },
  async msw() {
    const { setupServer } = await import('msw/node')
    const { http, HttpResponse, passthrough } = await import('msw')
    setupServer(
      http.get(`${url}mocked`, () => HttpResponse.text('mocked')),
      http.get(`${url}real`, () => passthrough()),
    ).listen({ onUnhandledRequest: 'bypass' })
    return () => []
  },
}

const seen = await OBSERVERS[name]()
const { get } = await import(vouch)
const outcomes = {}
for (const [path, trust] of [
  ['mocked', verify],
  ['real', verify],
  ['real', true],
]) {
  const title = `${path} ${trust === true ? 'with the default roots' : 'with its CA'}`
  try {
    outcomes[title] = (await get(`${url}${path}`, { verify: trust })).text
  } catch (error) {
    outcomes[title] = error.reason ?? String(error)
  }
}
console.log(JSON.stringify({ outcomes, seen: seen() }))
process.exit()
