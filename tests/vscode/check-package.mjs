// What is inside a .vsix: check-package.mjs EXTENSION FILE universal|platform
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const [extension, file, kind] = process.argv.slice(2)
// vsce writes packages, and brings what reads them.
const yauzl = createRequire(resolve(extension, 'node_modules/@vscode/vsce/package.json'))('yauzl')

const expected = ['package.json', 'readme.md', 'changelog.md', 'LICENSE.txt', 'icon.png', 'dist/extension.js']
if (kind === 'platform') expected.push('server/flagline')
const entries = await list()
const inside = entries.map(it => it.fileName).filter(it => it.startsWith('extension/'))
assert.deepEqual(inside.sort(), expected.map(name => `extension/${name}`).sort())

const bundle = entries.find(it => it.fileName === 'extension/dist/extension.js').uncompressedSize
assert.ok(bundle < 600_000, `the bundle is ${bundle} bytes`)
const size = statSync(file).size
if (kind === 'platform') {
  const mode = (entries.find(it => it.fileName === 'extension/server/flagline').externalFileAttributes >>> 16) & 0o777
  assert.equal(mode.toString(8), '755')
} else {
  assert.ok(size < 300_000, `the package is ${size} bytes`)
}
console.log(`${kind}: ${inside.length} files, ${Math.ceil(size / 1024)} KiB`)

function list() {
  return new Promise((resolve, reject) => {
    yauzl.open(file, (error, zip) => {
      if (error) return reject(error)
      const entries = []
      zip.on('entry', entry => entries.push(entry))
      zip.on('end', () => resolve(entries))
    })
  })
}
