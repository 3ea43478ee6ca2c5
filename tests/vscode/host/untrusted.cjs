const assert = require('node:assert/strict')
const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { barSays, extension, flags, hoverSays, item, open, pause, place, root, said, signIn, until, vscode, warns } = require('./support.cjs')
const { workspace } = vscode

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
    // The action is disabled: the page shows it grey with its reason, and it is not among those that can be run.
    const at = place(document, 'new-chekout')
    const offered = await vscode.commands.executeCommand('vscode.executeCodeActionProvider', document.uri, new vscode.Range(at, at))
    assert.deepEqual(offered.map(it => it.title).filter(it => it.startsWith('Create')), [])
    await vscode.commands.executeCommand('flagline.palette.createFeature')
    assert.match((await said('once you trust the folder')).message, /features can be created/)
    assert.ok(!existsSync(join(root, '.flagline')))
    // Nor does a command that the palette does not offer here.
    const run = (command, argument) => extension().exports.client().sendRequest('workspace/executeCommand', { command, arguments: [argument] })
    await run('flagline.createFeature', { key: 'from-restricted-mode' }).catch(() => undefined)
    await run('flagline.launch', { key: 'from-restricted-mode' }).catch(() => undefined)
    await said('this workspace is not trusted')
    await pause(1500)
    const after = await flags()
    assert.ok(!after.includes('from-restricted-mode') && !after.includes('new-chekout'))
  }],
]
