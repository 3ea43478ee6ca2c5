const assert = require('node:assert/strict')
const { unlinkSync } = require('node:fs')
const { delimiter, join } = require('node:path')
const { barSays, extension, open, said, seen, until, vscode } = require('./support.cjs')

const folder = process.env.PATH.split(delimiter).find(it => it.endsWith('/programs'))

module.exports = [
  ['the package without a program runs the one of the PATH, its absolute folders only', async () => {
    await open('src/Checkout.tsx')
    await until('the server runs', () => extension().isActive && extension().exports.client()?.isRunning())
    assert.equal(extension().exports.client()._serverOptions.command, join(folder, 'flagline'))
  }],
  ['nor is there one: a message that says what to do', async () => {
    unlinkSync(join(folder, 'flagline'))
    await vscode.commands.executeCommand('flagline.restart')
    await said('The program flagline was not found')
    assert.deepEqual(seen.messages.at(-1).buttons, ['Open Settings', 'How to Install'])
    await barSays('not running')
  }],
]
