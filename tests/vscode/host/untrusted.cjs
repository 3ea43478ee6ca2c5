const assert = require('node:assert/strict')
const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { barSays, extension, flags, hoverSays, item, open, pause, root, signIn, until, vscode, warns } = require('./support.cjs')
const { commands, workspace } = vscode

module.exports = [
  ['an untrusted folder names neither the program nor the host', async () => {
    assert.equal(workspace.isTrusted, false)
    await open('src/Checkout.tsx')
    await until('active', () => extension().isActive)
    await barSays('sign in')
    const { command } = extension().exports.client()._serverOptions
    assert.ok(command.startsWith(extension().extensionPath), command)
    assert.ok(!existsSync(join(root, 'trapped')))
    assert.ok(!item().tooltip.value.includes('invalid'))
  }],
  ['reading works', async () => {
    await signIn('phx_sandbox')
    await barSays('Offset')
    const document = await open('src/Checkout.tsx')
    await hoverSays(document, 'new-checkout', 'everyone since')
    await warns(document, "unknown-flag 'new-chekout'")
    assert.match(item().tooltip.value.replaceAll('&nbsp;', ' '), /nothing is written/)
  }],
  ['writing is refused', async () => {
    const document = await open('src/Checkout.tsx')
    const all = await commands.executeCommand('vscode.executeCodeActionProvider', document.uri, vscode.languages.getDiagnostics(document.uri)[0].range)
    for (const it of all.filter(it => it.title.startsWith('Create feature') && !it.disabled)) {
      await Promise.resolve(commands.executeCommand(it.command.command, ...it.command.arguments)).catch(() => undefined)
    }
    const made = extension().exports.client().sendRequest('workspace/executeCommand', { command: 'flagline.createFeature', arguments: [{ key: 'from-restricted-mode' }] })
    await made.catch(() => undefined)
    await pause(1500)
    const after = await flags()
    assert.ok(!after.includes('from-restricted-mode') && !after.includes('new-chekout'))
  }],
]
