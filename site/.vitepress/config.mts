/**
 * The documentation as a website. Its pages are the Markdown files of the repository, with the paths that they have there, so that
 * links between them work on both.
 */
import { copyFileSync, globSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import { pages } from './markdown.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Files that pages link to, and that are no pages. */
const FILES = ['docs/examples/*.ts', 'LICENSE']

const page = (text: string, link: string) => ({ text, link: `/docs/${link}` })

export default defineConfig({
  title: 'vouch',
  description: 'An HTTP client for Node.js with TLS trust in one option, and the semantics of Python requests',
  lang: 'en',
  srcDir: '..',
  srcExclude: ['CONTRIBUTING.md', 'SECURITY.md', '{build,dist,scripts,site,src,test}/**', '**/node_modules/**'],
  outDir: '../build/site',
  cacheDir: '../build/site-cache',
  rewrites: { 'README.md': 'index.md', 'docs/README.md': 'docs/index.md' },
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  // Files that are copied below.
  ignoreDeadLinks: [/\.ts$/, /LICENSE$/],
  vite: { plugins: [pages()], publicDir: false },
  buildEnd({ outDir }) {
    for (const file of globSync(FILES, { cwd: ROOT })) {
      mkdirSync(dirname(join(outDir, file)), { recursive: true })
      copyFileSync(join(ROOT, file), join(outDir, file))
    }
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guides', link: '/docs/quickstart', activeMatch: '/docs/(quickstart|why|guides|coming)' },
      { text: 'Reference', link: '/docs/reference/api', activeMatch: '/docs/reference/' },
      { text: 'Troubleshooting', link: '/docs/troubleshooting' },
      { text: 'Changelog', link: '/CHANGELOG' },
    ],
    sidebar: [
      {
        text: 'Introduction',
        items: [
          { text: 'vouch', link: '/' },
          page('Quickstart', 'quickstart'),
          page('Why vouch', 'why'),
          page('All pages', ''),
        ],
      },
      {
        text: 'Trust',
        items: [
          page('Trust', 'guides/trust'),
          page('Self-signed in development', 'guides/self-signed'),
          page('Renewal', 'guides/renewal'),
          page('Devices', 'guides/devices'),
          page('Company networks', 'guides/company-networks'),
          page('A private CA', 'guides/private-ca'),
          page('Mutual TLS', 'guides/mutual-tls'),
          page('Old servers', 'guides/old-servers'),
        ],
      },
      {
        text: 'Requests',
        items: [
          page('Sessions', 'guides/sessions'),
          page('Streaming and files', 'guides/streaming-and-files'),
          page('Authentication', 'guides/authentication'),
          page('Timeouts and retries', 'guides/timeouts-and-retries'),
          page('Proxies', 'guides/proxies'),
        ],
      },
      {
        text: 'Other code and tools',
        items: [
          page('SDKs', 'guides/sdks'),
          page('Other clients', 'guides/other-clients'),
          page('Testing', 'guides/testing'),
          page('Logging and tracing', 'guides/logging-and-tracing'),
          page('Bundlers and runtimes', 'guides/bundlers-and-runtimes'),
          page('TypeScript', 'guides/typescript'),
        ],
      },
      {
        text: 'Coming from',
        items: [
          page('Python requests', 'coming-from-requests'),
          page('axios', 'coming-from-axios'),
          page('got', 'coming-from-got'),
          page('fetch', 'coming-from-fetch'),
        ],
      },
      {
        text: 'Reference',
        items: [
          page('API', 'reference/api'),
          page('Certificates', 'reference/certs'),
          page('Errors', 'reference/errors'),
          page('Environment', 'reference/environment'),
          page('Command line', 'reference/command-line'),
          page('Audit', 'reference/audit'),
          page('Glossary', 'reference/glossary'),
        ],
      },
      {
        text: 'More',
        items: [
          page('Troubleshooting', 'troubleshooting'),
          page('Security', 'security'),
          page('Internals', 'internals'),
          { text: 'Benchmark', link: '/bench/results' },
        ],
      },
    ],
  },
})
