// Runs a program for each line that comes in, the path of its first module, and says what it asked for.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const require = createRequire(import.meta.url)
// A program that forgets a promise fails by itself, not the next one.
let forgotten
process.on('unhandledRejection', (why) => (forgotten = why))

for await (const main of createInterface({ input: process.stdin })) {
  globalThis.asked = []
  forgotten = undefined
  let error = null
  try {
    await (main.endsWith('.cjs') ? require(main) : import(pathToFileURL(main)))
    await new Promise((done) => setImmediate(done))
    if (forgotten) throw forgotten
  } catch (why) {
    error = String(why?.stack ?? why)
  }
  process.stdout.write(JSON.stringify({ asked: globalThis.asked, error }) + '\n')
}
