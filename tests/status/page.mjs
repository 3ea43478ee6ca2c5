// The page of `flagline status` as a browser shows it: page.mjs BINARY SCREENSHOTS
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { browser, ROOT, sampleApp, sandbox, workFolder } from '../vscode/support.mjs'

const [binary, screenshots] = process.argv.slice(2)
const work = workFolder()
mkdirSync(screenshots, { recursive: true })
const posthog = await sandbox(binary)
const chromium = await browser()
let passed = 0

try {
  const app = sampleApp(work.folder('climate-shop'))
  cpSync(join(ROOT, 'fixtures', 'status', 'briefs'), join(app, '.flagline'), { recursive: true })
  const file = join(work.root, 'status.html')
  const environment = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FLAGLINE_'))),
    FLAGLINE_HOST: posthog.url,
    FLAGLINE_API_KEY: 'phx_sandbox',
    FLAGLINE_PROJECT: '1',
    XDG_CACHE_HOME: work.folder('cache'),
    XDG_CONFIG_HOME: work.folder('config'),
  }
  const made = spawnSync(binary, ['status', '--format', 'html', '--output', file], { cwd: app, env: environment, encoding: 'utf8' })
  assert.equal(made.status, 0, made.stderr)

  /** A page that asks for nothing but itself, and in which nothing is refused. */
  async function open(colorScheme, width) {
    const page = await chromium.newPage({ viewport: { width, height: 900 }, colorScheme })
    const complaints = []
    const asked = []
    page.on('console', it => complaints.push(it.text()))
    page.on('pageerror', it => complaints.push(String(it)))
    page.on('request', it => asked.push(it.url()))
    await page.goto(pathToFileURL(file).href)
    assert.deepEqual(complaints, [])
    assert.deepEqual(asked, [pathToFileURL(file).href])
    return page
  }

  const colours = []
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1180, 400]) {
      await step(`${colorScheme}, ${width} pixels wide`, async () => {
        const page = await open(colorScheme, width)
        const seen = await page.evaluate(() => ({
          back: getComputedStyle(document.body).backgroundColor,
          wide: document.documentElement.scrollWidth,
          graphs: [...document.querySelectorAll('svg[role=img]')].map(it => it.getBoundingClientRect().height),
        }))
        assert.ok(seen.wide <= width, `it scrolls sideways: ${seen.wide}`)
        assert.ok(seen.graphs.length >= 4 && seen.graphs.every(it => it > 100), `graphs: ${seen.graphs}`)
        colours.push(seen.back)
        await page.screenshot({ path: join(screenshots, `status-${colorScheme}-${width}.png`), fullPage: true })
        await page.close()
      })
    }
  }
  await step('dark is not light', () => assert.notEqual(colours[0], colours[2]))

  await step('by keyboard: what skips comes first and is seen, details open, links have a mark', async () => {
    const page = await open('light', 1180)
    await page.keyboard.press('Tab')
    const skip = page.locator(':focus')
    assert.equal(await skip.textContent(), 'Skip to the features')
    assert.ok((await skip.boundingBox()).x >= 0)
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    assert.ok(await page.evaluate(() => document.querySelector('main').contains(document.activeElement)))
    assert.notEqual(await page.locator(':focus').evaluate(it => getComputedStyle(it).outlineStyle), 'none')
    const summary = page.locator('summary').first()
    await summary.focus()
    await page.keyboard.press('Enter')
    await page.locator('details[open] table').first().waitFor()
    await page.close()
  })

  await step('whoever listens hears name, stage, people and next step of each feature', async () => {
    const page = await open('light', 1180)
    const row = page.getByRole('region', { name: 'Board' }).getByRole('listitem').filter({ hasText: 'project-videos' }).first()
    // Marks are only to be seen.
    const heard = it => [...it.querySelectorAll('[aria-hidden]')].reduce((words, mark) => words.replace(mark.textContent, ''), it.textContent)
    const words = (await row.evaluate(heard)).replace(/\s+/g, ' ')
    for (const part of ['Videos of offsetting projects', 'Stage: 2/4 beta, 40 %', 'beta 40 %, current stage', 'People: ', 'Next: ']) {
      assert.ok(words.includes(part), `no ${part} in ${words}`)
    }
    assert.ok((await page.getByRole('img', { name: 'People a day, by what they get' }).count()) > 1)
    await page.close()
  })

  await step('on paper nothing is left out', async () => {
    const page = await open('dark', 1180)
    await page.emulateMedia({ media: 'print' })
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(255, 255, 255)')
    await page.close()
  })

  for (const [colorScheme, from, height] of [['light', 'header', 800], ['dark', 'article:has-text("project-videos")', 960]]) {
    const page = await open(colorScheme, 1100)
    const y = Math.max(0, (await page.locator(from).first().boundingBox()).y - 24)
    const path = join(screenshots, `status-${colorScheme}.png`)
    await page.screenshot({ path, fullPage: true, clip: { x: 0, y: Math.floor(y), width: 1100, height } })
    await page.close()
  }
  if (process.env.UPDATE === '1') update()
} finally {
  await chromium.close()
  posthog.stop()
  work.remove()
}
console.log(`\n${passed} passed`)

async function step(name, run) {
  const started = Date.now()
  await run()
  passed += 1
  console.log(`  ok     ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
}

/** The pictures of the documentation. */
function update() {
  for (const name of readdirSync(screenshots).filter(it => /^status-(light|dark)\.png$/.test(it))) {
    assert.ok(statSync(join(screenshots, name)).size < 200_000, name)
    copyFileSync(join(screenshots, name), join(ROOT, 'docs', 'images', name))
  }
}
