// The cases of tests/vscode/host, each file in an extension host of its own: host.mjs PLATFORM UNIVERSAL BINARY [NAME...]
// PLATFORM and UNIVERSAL are the packages with and without the program inside.
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { browser, editor, install, openPage, sampleApp, sandbox, until, workFolder } from './support.mjs'

const [platform, universal, binary, ...names] = process.argv.slice(2)
const work = workFolder()
const unpacked = { platform: unpack('platform', platform), universal: unpack('universal', universal) }

/** What each file of cases runs in. */
const launches = {
  app: () => ({ open: sampleApp(join(work.root, 'app')) }),
  roots: () => {
    const folders = ['shop', 'admin', 'later'].map(name => sampleApp(join(work.root, 'roots', name)))
    mkdirSync(join(folders[0], '.flagline'))
    const open = join(work.root, 'roots', 'both.code-workspace')
    writeFileSync(open, JSON.stringify({ folders: folders.slice(0, 2).map(path => ({ path })) }))
    return { open }
  },
  untrusted: url => {
    const open = sampleApp(join(work.root, 'untrusted'))
    const trap = join(open, 'flagline')
    writeFileSync(trap, `#!/bin/sh\ntouch '${open}/trapped'\n`, { mode: 0o755 })
    mkdirSync(join(open, '.vscode'))
    const wanted = { 'flagline.path': trap, 'flagline.host': 'https://posthog.invalid', 'flagline.project': 666 }
    writeFileSync(join(open, '.vscode', 'settings.json'), JSON.stringify(wanted))
    writeFileSync(join(open, 'flagline.toml'), '[[environment]]\nhost = "https://posthog.invalid"\nproject = 667\n')
    return { open, trusted: false, settings: { 'flagline.host': url } }
  },
  universal: () => {
    const folder = work.folder('programs')
    symlinkSync(resolve(binary), join(folder, 'flagline'))
    const environment = { PATH: `.${delimiter}${folder}${delimiter}${process.env.PATH}` }
    return { open: sampleApp(join(work.root, 'universal')), extension: 'universal', environment }
  },
}

let passed = 0
const failures = []
const chromium = await browser()
try {
  for (const name of names.length > 0 ? names : Object.keys(launches)) await launch(name)
} finally {
  await chromium.close()
  if (failures.length === 0) work.remove()
}
for (const { name, why } of failures) console.log(`\nFAILED ${name}\n${why}`)
console.log(`\n${passed} passed, ${failures.length} failed${failures.length > 0 ? `; what was written: ${work.root}` : ''}`)
process.exit(failures.length > 0 ? 1 : 0)

/** As the product does, and with the cases inside: so they get the same `vscode` as the extension, and can watch it. */
function unpack(name, vsix) {
  const path = install(vsix, work.folder(`unpacked-${name}`), work.folder('install'))
  cpSync(join(import.meta.dirname, 'host'), join(path, 'test'), { recursive: true })
  return path
}

async function launch(name) {
  console.log(`\n${name}`)
  const posthog = await sandbox(binary)
  const { open, extension = 'platform', environment, ...options } = launches[name](posthog.url)
  const results = join(work.root, `${name}.results`)
  const code = await editor({
    driven: true,
    data: work.folder(`${name}-data`),
    extensions: work.folder(`${name}-extensions`),
    ...options,
    environment: { ...environment, FLAGLINE_TEST: JSON.stringify({ cases: name, sandbox: posthog.url, results, open, binary }) },
  })
  try {
    const page = await openPage(chromium, { width: 1100, height: 700 })
    if (process.env.VERBOSE) page.on('console', it => console.log(`  page: ${it.text().slice(0, 400)}`))
    await page.goto(code.page(open, { development: unpacked[extension], tests: join(unpacked[extension], 'test', 'index.cjs') }))
    await report(name, results, page)
    await page.close()
  } finally {
    code.stop()
    posthog.stop()
  }
}

/** Prints the cases as they end. */
async function report(name, results, page) {
  let shown = 0
  const read = () => (existsSync(results) ? readFileSync(results, 'utf8').split('\n').slice(0, -1).map(line => JSON.parse(line)) : [])
  try {
    await until(`the cases of ${name} end`, () => {
      const all = read()
      for (const { name, why, seconds, isEnd } of all.slice(shown)) {
        shown += 1
        if (isEnd) return true
        console.log(`  ${why === undefined ? 'ok    ' : 'FAILED'} ${name} (${seconds.toFixed(1)} s)`)
        if (why === undefined) passed += 1
        else failures.push({ name, why })
      }
      return false
    }, 300)
  } catch (error) {
    await page.screenshot({ path: join(work.root, `${name}.png`) })
    failures.push({ name, why: error.message })
  }
}
