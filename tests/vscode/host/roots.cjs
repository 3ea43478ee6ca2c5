const assert = require('node:assert/strict')
const { barSays, extension, file, hoverSays, item, open, signIn, until, useSandbox, vscode, warns } = require('./support.cjs')
const { workspace } = vscode

module.exports = [
  ['a repository with .flagline/ wakes the extension without an open file', async () => {
    await until('active', () => extension().isActive)
    await until('a status bar', () => item() !== undefined)
  }],
  ['several roots are one server: flags are known in each', async () => {
    await useSandbox()
    await signIn('phx_sandbox')
    await barSays('Offset')
    for (const root of ['shop', 'admin']) {
      const document = await open(`${root}/src/Checkout.tsx`)
      await hoverSays(document, 'new-checkout', 'everyone since')
      await warns(document, "unknown-flag 'new-chekout'")
    }
  }],
  ['a root that comes later is read, too', async () => {
    assert.ok(workspace.updateWorkspaceFolders(2, 0, { uri: file('later') }))
    await until('three roots', () => workspace.workspaceFolders.length === 3)
    const document = await open('later/src/theme.ts')
    await hoverSays(document, 'dark-mode', 'everyone')
    await barSays('Offset')
  }],
]
