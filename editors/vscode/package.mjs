// Makes a .vsix: `npm run package -- --target linux-x64 --binary path/to/flagline`, with the program inside, or without
// arguments the universal one, which runs the `flagline` of the settings or of the PATH. `--out FILE` names it.
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { parseArgs } from 'node:util'

const TARGETS = ['linux-x64', 'linux-arm64', 'alpine-x64', 'alpine-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64', 'win32-arm64']

const { values } = parseArgs({
  options: { target: { type: 'string' }, binary: { type: 'string' }, out: { type: 'string' } },
})
const { target, binary, out } = values
if (target !== undefined && !TARGETS.includes(target)) fail(`no such target: ${target}; there are ${TARGETS.join(', ')}`)
if ((target === undefined) !== (binary === undefined)) fail('--target and --binary belong together')
if (binary !== undefined && !existsSync(binary)) fail(`there is no ${binary}`)

process.chdir(import.meta.dirname)
rmSync('server', { recursive: true, force: true })
if (binary !== undefined) {
  const inside = target.startsWith('win32') ? 'server/flagline.exe' : 'server/flagline'
  mkdirSync('server')
  copyFileSync(binary, inside)
  chmodSync(inside, 0o755)
}
const options = [...(target === undefined ? [] : ['--target', target]), ...(out === undefined ? [] : ['--out', out])]
// All that is needed is in the bundle.
const vsce = ['node_modules/@vscode/vsce/vsce', 'package', '--no-dependencies', ...options]
const { status } = spawnSync(process.execPath, vsce, { stdio: 'inherit' })
rmSync('server', { recursive: true, force: true })
process.exit(status ?? 1)

function fail(why) {
  console.error(`package: ${why}`)
  process.exit(2)
}
