// draw.mjs FILE.ansi OUT.png COLUMNS ROWS: what `tmux capture-pane -e -p` wrote, as a picture of a terminal.
import fs from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(process.env.TOOLS + '/package.json')
const { chromium } = require('playwright-core')
const xterm = process.env.TOOLS + '/node_modules/@xterm/xterm'
const [file, out, columns, rows] = process.argv.slice(2)

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic'],
})
const page = await browser.newPage({ viewport: { width: 1400, height: 800 } })
await page.setContent('<body style="margin:0"><div id="terminal" style="display:inline-block;padding:6px;background:#14161b">')
await page.addStyleTag({ path: xterm + '/css/xterm.css' })
await page.addStyleTag({ content: '.xterm-viewport { overflow: hidden !important }' })
await page.addScriptTag({ path: xterm + '/lib/xterm.js' })
await page.evaluate(
  ([text, cols, rows]) =>
    new Promise((drawn) => {
      const terminal = new Terminal({
        cols,
        rows,
        fontFamily: 'DejaVu Sans Mono',
        fontSize: 13,
        convertEol: true,
        cursorInactiveStyle: 'none',
        theme: { background: '#14161b', foreground: '#e0e2ea' },
      })
      terminal.open(document.getElementById('terminal'))
      terminal.write(text.replace(/\n$/, '') + '\x1b[?25l', drawn)
    }),
  [fs.readFileSync(file, 'utf8'), Number(columns), Number(rows)],
)
await page.waitForTimeout(300)
await page.locator('#terminal').screenshot({ path: out })
await browser.close()
