/** The website of the documentation, as `npm run docs` builds it, in a real browser on screens of three widths. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { extname, join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { listen } from '../helpers/ports.ts'
import { run } from '../helpers/processes.ts'
import { hasProgram } from '../helpers/programs.ts'
import { tempDir } from '../helpers/temp.ts'

const SITE = resolve('site')
const OUTPUT = resolve('build/site')
/** A phone, a tablet, a desk, in CSS pixels. */
const WIDTHS = [360, 768, 1280]

const isInstalled = existsSync(join(SITE, 'node_modules'))
const skip = isInstalled ? false : 'npm ci --prefix site --ignore-scripts installs the generator'
const skipBrowser = skip || (hasProgram('chromium') ? false : 'no chromium: apt-get install chromium')

/** What the tests use of puppeteer-core, which is installed for the site alone. */
interface Page {
  goto(url: string, options: { waitUntil: 'load' }): Promise<{ status(): number } | null>
  setViewport(size: { width: number; height: number }): Promise<void>
  evaluate<T>(script: string): Promise<T>
  on(event: string, listener: (argument: Record<string, () => string>) => void): void
  click(selector: string): Promise<void>
  type(selector: string, text: string): Promise<void>
  emulateMediaFeatures(features: readonly { name: string; value: string }[]): Promise<void>
  waitForSelector(selector: string, options: { timeout: number }): Promise<unknown>
}
interface Browser {
  newPage(): Promise<Page>
  close(): Promise<void>
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  const file = join(OUTPUT, pathname.endsWith('/') ? `${pathname}index.html` : decodeURIComponent(pathname))
  if (!existsSync(file)) {
    response.writeHead(404).end()
    return
  }
  response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/plain' }).end(readFileSync(file))
})

let origin = ''
let browser: Browser | undefined
const profile = tempDir()

before(async () => {
  if (skip) return
  const { status, stderr } = await run(
    process.execPath,
    ['site/node_modules/vitepress/bin/vitepress.js', 'build', 'site'],
    {
      limit: 240_000,
    },
  )
  assert.equal(status, 0, stderr)
  origin = `http://127.0.0.1:${await listen(server)}`
  if (skipBrowser) return
  const puppeteer = createRequire(join(SITE, 'package.json'))('puppeteer-core')
  browser = await puppeteer.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    userDataDir: profile.path,
  })
})

after(async () => {
  await browser?.close()
  server.close()
  server.closeAllConnections()
  profile[Symbol.dispose]()
})

const htmlFiles = () => globSync('**/*.html', { cwd: OUTPUT }).filter((file) => file !== '404.html')

test('each page of the documentation is a page of the site', { skip }, () => {
  const built = new Set(htmlFiles())
  const pages = ['README.md', 'CHANGELOG.md', ...globSync('docs/**/*.md')]
  const expected = pages.map((page) => page.replace(/README\.md$/, 'index.md').replace(/\.md$/, '.html'))
  assert.deepEqual(
    expected.filter((page) => !built.has(page)),
    [],
  )
})

test('its links lead to pages, headings and files that exist, and none of its parts comes from elsewhere', {
  skip,
}, () => {
  const texts = new Map(htmlFiles().map((file) => [file, readFileSync(join(OUTPUT, file), 'utf8')]))
  const dead: string[] = []
  for (const [file, html] of texts) {
    for (const [, target = ''] of html.matchAll(/<(?:script|img|link)[^>]* (?:src|href)="([^"]*)"/g))
      if (/^(?:https?:)?\/\//.test(target)) dead.push(`${file}: ${target} is loaded from elsewhere`)
    for (const [, target = ''] of html.matchAll(/<a[^>]* href="([^"]*)"/g)) {
      if (/^(?:https?|data|mailto):/.test(target)) continue
      const { pathname, hash } = new URL(target, `http://localhost/${file}`)
      const path = decodeURIComponent(pathname.endsWith('/') ? `${pathname}index.html` : pathname).slice(1)
      const anchor = decodeURIComponent(hash.slice(1))
      if (!existsSync(join(OUTPUT, path))) dead.push(`${file}: ${target}`)
      else if (anchor !== '' && !(texts.get(path) ?? '').includes(`id="${anchor}"`)) dead.push(`${file}: no ${target}`)
    }
  }
  assert.deepEqual(dead, [])
})

test('no page is wider than the screen, and none has an error on its console', {
  skip: skipBrowser,
  timeout: 300_000,
}, async () => {
  const page = await (browser as Browser).newPage()
  const problems: string[] = []
  let current = ''
  page.on('console', (message) => {
    if (message.type?.() === 'error') problems.push(`${current}: ${message.text?.()}`)
  })
  page.on('pageerror', (error) => problems.push(`${current}: ${String(error)}`))
  for (const file of htmlFiles()) {
    current = file
    const response = await page.goto(`${origin}/${file}`, { waitUntil: 'load' })
    assert.equal(response?.status(), 200, file)
    for (const width of WIDTHS) {
      await page.setViewport({ width, height: 800 })
      const widest = await page.evaluate<number>('document.documentElement.scrollWidth')
      if (widest > width) problems.push(`${file} is ${widest} wide on a screen of ${width}`)
    }
  }
  assert.deepEqual(problems, [])
})

test('it is searched, has code in tabs, and a dark mode', { skip: skipBrowser, timeout: 120_000 }, async () => {
  const page = await (browser as Browser).newPage()
  await page.setViewport({ width: 1280, height: 800 })
  await page.goto(`${origin}/docs/quickstart.html`, { waitUntil: 'load' })
  assert.ok((await page.evaluate<number>("document.querySelectorAll('.vp-code-group .tabs label').length")) >= 3)
  const isDark = () => page.evaluate<boolean>("document.documentElement.classList.contains('dark')")
  const before = await isDark()
  await page.click('.VPNavBarAppearance button')
  assert.notEqual(await isDark(), before)
  await page.click('#local-search button')
  await page.waitForSelector('.search-input', { timeout: 10_000 })
  await page.type('.search-input', 'mutual TLS')
  await page.waitForSelector('.results .title .text', { timeout: 30_000 })
  const found = await page.evaluate<string>("document.querySelector('.results').textContent")
  assert.match(found, /Mutual TLS/)
})

const PICTURES = globSync('docs/{pictures/*,benchmark}.svg')

test('the pictures are those that their texts draw', { skip }, async () => {
  const { draw, svgOf } = await import(join(SITE, 'pictures.mjs'))
  const viz = await createRequire(join(SITE, 'package.json'))('@viz-js/viz').instance()
  const texts = globSync('site/pictures/*.dot')
  assert.ok(texts.length >= 4)
  for (const file of texts) {
    const drawn = draw(viz, readFileSync(file, 'utf8'))
    assert.equal(readFileSync(svgOf(file), 'utf8'), drawn, `${file}: node site/pictures.mjs`)
  }
})

/** The text with the lowest contrast (WCAG 2), and texts that are wider than their box. */
const INSPECT = `(background) => {
  const luminance = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((each) => {
      const c = each / 255
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const contrasts = [...document.querySelectorAll('text')].map((text) => {
    const [light, dark] = [luminance(getComputedStyle(text).fill), luminance(background)].sort((a, b) => b - a)
    return (light + 0.05) / (dark + 0.05)
  })
  const wide = [...document.querySelectorAll('g.node')].flatMap((node) => {
    const box = node.querySelector('path, polygon, ellipse').getBBox().width
    return [...node.querySelectorAll('text')].filter((text) => text.getBBox().width > box).map((text) => text.textContent)
  })
  return { contrast: Math.min(...contrasts), wide }
}`

test('the pictures can be read in a light and in a dark colour scheme', {
  skip: skipBrowser,
  timeout: 60_000,
}, async () => {
  const page = await (browser as Browser).newPage()
  assert.ok(PICTURES.length >= 5)
  for (const [scheme, background] of [
    ['light', 'rgb(255, 255, 255)'],
    ['dark', 'rgb(27, 27, 31)'],
  ] as const) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
    for (const picture of PICTURES) {
      await page.goto(`file://${resolve(picture)}`, { waitUntil: 'load' })
      const { contrast, wide } = await page.evaluate<{ contrast: number; wide: string[] }>(
        `(${INSPECT})(${JSON.stringify(background)})`,
      )
      assert.ok(contrast >= 4.5, `${picture}, ${scheme}: ${contrast}`)
      assert.deepEqual(wide, [], picture)
    }
  }
})
