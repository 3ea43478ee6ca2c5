// What VS Code runs inside the extension host: the cases of one file, one after the other.
const { appendFileSync } = require('node:fs')
const { bar, seen } = require('./support.cjs')
const { cases: name, results } = JSON.parse(process.env.FLAGLINE_TEST)

exports.run = async () => {
  const write = entry => appendFileSync(results, `${JSON.stringify(entry)}\n`)
  for (const [title, run] of require(`./${name}.cjs`)) {
    const started = Date.now()
    let why
    try {
      await within(60, run())
    } catch (error) {
      const log = Object.entries(seen.output).flatMap(([name, lines]) => lines.slice(-10).map(line => `  ${name}: ${line}`))
      why = [error?.stack ?? String(error), `the status bar: ${bar()}`, ...log].join('\n')
    }
    write({ name: title, why, seconds: (Date.now() - started) / 1000 })
  }
  write({ isEnd: true })
}

function within(seconds, promise) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`not done after ${seconds} s`)), seconds * 1000))
  return Promise.race([promise, late])
}
