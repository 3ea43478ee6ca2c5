// What a user sees and does, in the page of VS Code, with a screenshot of each: page.mjs VSIX BINARY SCREENSHOTS
import { copyFileSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import assert from 'node:assert/strict'
import { browser, editor, install, openPage, ROOT, sampleApp, sandbox, until, workFolder } from './support.mjs'

const [vsix, binary, screenshots] = process.argv.slice(2)
const work = workFolder()
mkdirSync(screenshots, { recursive: true })

const settings = {
  'breadcrumbs.enabled': false,
  'editor.fontFamily': 'DejaVu Sans Mono',
  'editor.hover.delay': 100,
  'editor.minimap.enabled': false,
  'editor.occurrencesHighlight': 'off',
  'editor.scrollbar.vertical': 'hidden',
  'window.commandCenter': false,
  'workbench.activityBar.location': 'hidden',
  'workbench.layoutControl.enabled': false,
  'workbench.sideBar.location': 'right',
}

const posthog = await sandbox(binary)
const extensions = work.folder('extensions')
install(vsix, extensions, work.folder('install'))
const app = sampleApp(join(work.root, 'climate-shop'))
const code = await editor({ data: work.folder('data'), extensions, settings: { ...settings, 'flagline.host': posthog.url } })
const chromium = await browser()
const page = await openPage(chromium, { width: 1000, height: 560 })
let passed = 0

try {
  await page.goto(code.page(app, { files: [join(app, 'src', 'Checkout.tsx')] }))
  await page.waitForSelector('.monaco-editor .view-line')
  await page.keyboard.press('Control+B')

  await step('status bar signed out, and sign-in', async () => {
    await bar('Flagline: sign in')
    await shoot('signed-out')
    await page.locator('.statusbar-item', { hasText: 'Flagline: sign in' }).click()
    await choose('Sign In…')
    await shoot('sign-in-where')
    await choose(posthog.url.replace('http://', ''))
    await page.locator('.quick-input-widget input[type=password]').waitFor()
    await page.keyboard.type('phx_wrong')
    await page.keyboard.press('Enter')
    await page.locator('.quick-input-message', { hasText: 'key' }).and(page.locator(':not(:has-text("Make one"))')).waitFor()
    await shoot('sign-in-refused')
    await page.keyboard.press('Control+A')
    await page.keyboard.type('phx_sandbox')
    await page.keyboard.press('Enter')
    await bar('Offset')
    await clearToasts('Flagline: signed in to')
  })

  await step('hover card', async () => {
    for (const lens of ['everyone', 'experiment', 'unknown']) await page.locator('.codelens-decoration', { hasText: lens }).waitFor()
    const card = await hover("'pricing-page'", 'People in the last 7 days')
    await until('all of it is there', async () => !/Loading|Checking/.test(await card.innerText()))
    await shoot('hover', await round(card, "'pricing-page'"))
  })

  await step('warning of a stale flag, with its quick fixes', async () => {
    await page.locator('.squiggly-warning').first().waitFor()
    const card = await hover("'new-checkout'", 'stale-flag')
    await card.locator('.action', { hasText: 'Quick Fix' }).click()
    const menu = page.locator('.action-widget', { hasText: "Remove flag 'new-checkout'" })
    await menu.waitFor()
    await shoot('warning', await round(menu, "'new-checkout'"))
    await page.keyboard.press('Escape')
  })

  await step('a selection becomes a feature, step by step and once back', async () => {
    await selectLine('Offset now')
    await page.keyboard.press('F1')
    await page.keyboard.type('Flagline: Create Feature')
    await choose('Flagline: Create Feature…')
    await asked('What is the feature called', 1)
    await enter('Offset in one click')
    await asked('The key of the flag', 2)
    await until('the key follows the name', async () => (await input().inputValue()) === 'offset-in-one-click')
    await page.locator('.quick-input-widget .quick-input-left-action-bar .action-label').click()
    await page.mouse.move(900, 530)
    await asked('What is the feature called', 1)
    assert.equal(await input().inputValue(), 'Offset in one click')
    await enter('Offset now')
    await asked('The key of the flag', 2)
    await until('the key follows the name', async () => (await input().inputValue()) === 'offset-now')
    await page.keyboard.press('Enter')
    await asked('What do you believe', 3)
    await enter('Who can offset at once does it more often')
    await asked('How does it reach people', 4)
    await choose('Rollout in stages')
    await asked('The key metric', 5)
    await shoot('create-metric')
    await choose('Funnel')
    await asked('What is the first step', 6)
    await page.keyboard.type('offset started')
    await choose('offset started')
    await asked('offset started → …', 6)
    await shoot('create')
    await choose('purchase')
    await asked('offset started → purchase → …', 6)
    await choose('That is all')
    await asked('Is the selected code the feature', 7)
    await choose('Wrap the selection')
    await page.locator('.notification-toast', { hasText: "'offset-now' has a brief now" }).waitFor()
    await page.locator('.tab.active', { hasText: 'offset-now.toml' }).waitFor()
    await clearToasts("'offset-now' has a brief now")
  })

  await step('the brief is edited, and launched by its lens', async () => {
    await clickAt('"Offset now"')
    await page.keyboard.press('End')
    await page.keyboard.press('Enter')
    await page.keyboard.type('description = "One click, and the order is offset"')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+S')
    const lens = page.locator('.codelens-decoration a', { hasText: 'Launch' })
    await lens.waitFor()
    await lens.click()
    const question = page.locator('.notification-toast', { hasText: "launching 'offset-now'" })
    await question.waitFor()
    await question.locator('.monaco-button', { hasText: 'Show Plan' }).waitFor()
    // No Escape, which would put the question away.
    await page.mouse.move(900, 60)
    await shoot('brief')
    await question.locator('.monaco-button', { hasText: /^Launch$/ }).click()
    await page.locator('.notification-toast', { hasText: "'offset-now' is launched, in its first stage" }).waitFor()
    await shoot('launched')
    await clearToasts('is launched, in its first stage')
  })

  await step('the code is wrapped, and hover knows the stage', async () => {
    await page.locator('.tab', { hasText: 'Checkout.tsx' }).click()
    await page.locator('.tab.active', { hasText: 'Checkout.tsx' }).waitFor()
    await until('the check', () => where("'offset-now'"))
    const card = await hover("'offset-now'", '1/2 internal, 100 %')
    await until('all of it is there', async () => !/Loading|Checking/.test(await card.innerText()))
    await shoot('launched-hover', await round(card, "'offset-now'"))
  })

  await step('the brief promotes and stops the rollout, each after a question, and says so', async () => {
    await page.locator('.tab', { hasText: 'offset-now.toml' }).click()
    await page.locator('.tab.active', { hasText: 'offset-now.toml' }).waitFor()
    const lens = words => page.locator('.codelens-decoration a', { hasText: words })
    await lens('waits for 5 more people').click()
    const promoting = page.locator('.notification-toast', { hasText: "promoting 'offset-now'" })
    await promoting.locator('.monaco-button', { hasText: 'Promote Anyway' }).waitFor()
    await page.mouse.move(900, 60)
    await shoot('promote')
    await promoting.locator('.monaco-button', { hasText: 'Promote Anyway' }).click()
    await page.locator('.notification-toast', { hasText: "'offset-now' is promoted: opens everyone at 5 %" }).waitFor()
    await clearToasts("'offset-now' is promoted")
    await lens('stop').click()
    await page.locator('.quick-input-widget:visible', { hasText: 'Why?' }).waitFor()
    await page.keyboard.type('carts are lost')
    await shoot('stop')
    await page.keyboard.press('Enter')
    const stopping = page.locator('.notification-toast', { hasText: "stopping 'offset-now'" })
    await stopping.locator('.monaco-button', { hasText: /^Stop$/ }).click()
    await page.locator('.notification-toast', { hasText: "'offset-now' is stopped: closes everyone" }).waitFor()
    await clearToasts("'offset-now' is stopped")
    await lens('resume everyone (stopped: carts are lost)').waitFor()
    const card = await hover('"offset-now"', 'Stopped at everyone: carts are lost')
    await until('all of it is there', async () => !/Loading|Checking/.test(await card.innerText()))
    await shoot('stopped')
  })

  await step('a click on the status bar: log, refresh, sign out', async () => {
    await page.locator('.statusbar-item', { hasText: 'Offset' }).click()
    for (const entry of ['Refresh', 'Show Log', 'Sign Out']) {
      await page.locator('.quick-input-list .monaco-list-row', { hasText: entry }).waitFor()
    }
    await shoot('menu')
    await choose('Sign Out')
    await bar('Flagline: sign in')
    await page.locator('.squiggly-warning').first().waitFor({ state: 'detached' })
  })
} catch (error) {
  await page.screenshot({ path: join(screenshots, 'vscode-failed.png') })
  console.log(`\nThe page as it was: ${join(screenshots, 'vscode-failed.png')}\n`, error)
  process.exitCode = 1
} finally {
  await chromium.close()
  code.stop()
  posthog.stop()
  work.remove()
}
console.log(`\n${passed} passed, ${process.exitCode ? 1 : 0} failed`)
if (process.env.UPDATE === '1' && !process.exitCode) update()

async function step(name, run) {
  const started = Date.now()
  await run()
  passed += 1
  console.log(`  ok     ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
}

async function shoot(name, clip) {
  // Nothing blinks or slides in a picture.
  await page.waitForTimeout(400)
  await page.screenshot({ path: join(screenshots, `vscode-${name}.png`), animations: 'disabled', caret: 'hide', clip })
}

/** The part of the page with the code round a text and what is shown there, in whole lines. */
async function round(locator, text) {
  const [box, at] = [await locator.boundingBox(), await where(text)]
  const lines = await page.locator('.monaco-editor .view-line').evaluateAll(all => all.map(it => it.getBoundingClientRect().y))
  const top = Math.min(...lines.filter(y => y >= Math.max(40, Math.min(box.y, at.y) - 90)))
  const lowest = Math.max(box.y + box.height, at.y + at.height) + 4
  const bottom = Math.min(526, ...lines.filter(y => y >= lowest))
  return { x: 6, y: top - 4, width: 988, height: bottom - top + 4 }
}

/** A question of several steps. */
async function asked(words, step) {
  const widget = page.locator('.quick-input-widget:visible', { hasText: `(${step}/` })
  await widget.waitFor()
  await until(`it asks: ${words}`, async () => {
    const placeholder = await input().getAttribute('placeholder')
    return `${placeholder} ${await widget.innerText()}`.includes(words)
  })
}

function input() {
  return page.locator('.quick-input-widget:visible .quick-input-box input').first()
}

/** Types an answer over the one that is there. */
async function enter(text) {
  await page.keyboard.press('Control+A')
  await page.keyboard.type(text)
  await page.keyboard.press('Enter')
}

async function bar(text) {
  await page.locator('.statusbar-item', { hasText: text }).waitFor({ timeout: 60_000 })
}

/** An entry of the list that is open, by keyboard: the mouse may rest on another. */
async function choose(label) {
  const row = page.locator('.quick-input-list .monaco-list-row', { hasText: label }).first()
  await row.waitFor()
  for (let tries = 0; !(await row.getAttribute('class')).includes('focused') && tries < 30; tries += 1) {
    await page.keyboard.press('ArrowDown')
    await page.waitForTimeout(50)
  }
  await page.keyboard.press('Enter')
}

/** Where a piece of code stands on the page. */
async function where(text) {
  return page.evaluate(text => {
    for (const line of document.querySelectorAll('.monaco-editor .view-line')) {
      const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT)
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const at = node.data.replaceAll('\u00a0', ' ').indexOf(text)
        if (at < 0) continue
        const range = document.createRange()
        range.setStart(node, at)
        range.setEnd(node, at + text.length)
        const { x, y, width, height } = range.getBoundingClientRect()
        return { x, y, width, height }
      }
    }
    throw new Error(`not on the page: ${text}`)
  }, text)
}

async function away() {
  await page.mouse.move(900, 530)
  await page.keyboard.press('Escape')
  await page.waitForTimeout(200)
}

async function hover(text, says) {
  const card = page.locator('.monaco-hover:visible', { hasText: says })
  for (let tries = 0; ; tries += 1) {
    await away()
    const { x, y, width, height } = await where(text)
    await page.mouse.move(x + width / 2, y + height / 2)
    await page.mouse.move(x + width / 2 + 4, y + height / 2)
    try {
      await card.waitFor({ timeout: 5000 })
      return card
    } catch (error) {
      if (tries === 5) throw error
    }
  }
}

/** Puts the cursor into a piece of code; a menu that is about to close may take the first click. */
async function clickAt(text) {
  const place = page.locator('.statusbar-item', { hasText: /^Ln \d/ })
  const before = await place.innerText()
  for (let tries = 0; tries < 5 && (await place.innerText()) === before; tries += 1) {
    const { x, y, width, height } = await where(text)
    await page.mouse.click(x + width / 2, y + height / 2)
    await away()
  }
}

/** Selects the line of a piece of code, but for what it is indented by. */
async function selectLine(text) {
  await clickAt(text)
  await page.keyboard.press('Home')
  await page.keyboard.press('Shift+End')
  await page.locator('.statusbar-item', { hasText: /\(\d+ selected\)/ }).waitFor()
}

async function clearToasts(text) {
  await page.locator('.notification-toast', { hasText: text }).waitFor()
  await page.keyboard.press('F1')
  await page.keyboard.type('Notifications: Clear All')
  await choose('Notifications: Clear All')
  await page.locator('.notification-toast').first().waitFor({ state: 'detached' })
}

/** The pictures of the documentation. */
function update() {
  for (const name of ['hover', 'warning', 'create', 'brief', 'launched-hover']) {
    const from = join(screenshots, `vscode-${name}.png`)
    assert.ok(statSync(from).size < 150_000, `${from} is ${readFileSync(from).length} bytes`)
    mkdirSync(join(ROOT, 'docs', 'images'), { recursive: true })
    copyFileSync(from, join(ROOT, 'docs', 'images', `vscode-${name}.png`))
  }
}
