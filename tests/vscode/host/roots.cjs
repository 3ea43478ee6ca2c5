const assert = require('node:assert/strict')
const { existsSync } = require('node:fs')
const { answered, answers, barSays, extension, file, hoverSays, item, open, said, signIn, test, until, useSandbox, vscode, warns } = require('./support.cjs')
const { commands, workspace } = vscode

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
  ['the palette says which root is meant', async () => {
    const client = extension().exports.client()
    const send = client.sendRequest
    const sent = []
    client.sendRequest = (...given) => {
      if (given[1]?.command !== undefined) sent.push(given[1])
      return send.apply(client, given)
    }
    vscode.env.openExternal = async () => true
    await open('admin/src/theme.ts')
    await commands.executeCommand('flagline.palette.open')
    const steps = ['From the palette', 'from-the-palette', '', 'Rollout in stages', 'None yet']
    await answered(steps, 'flagline.palette.createFeature')
    await said("'from-the-palette' has a brief now")
    assert.ok(existsSync(file('admin/.flagline/from-the-palette.toml').fsPath))
    await open('admin/src/theme.ts')
    answers.type.push('from-the-palette')
    answers.button = 'Launch'
    await commands.executeCommand('flagline.palette.launch')
    await said("'from-the-palette' is launched")
    client.sendRequest = send
    assert.deepEqual(sent.map(it => it.command), ['flagline.open', 'flagline.createFeature', 'flagline.launch'])
    for (const { arguments: [{ uri }] } of sent) assert.ok(uri.endsWith('/admin/src/theme.ts'), uri)
  }],
  ['Choose Project… is about the root of the open file; without one it asks which PostHog', async () => {
    const toml = `[[environment]]\nhost = "${test.sandbox}"\n[[environment]]\nname = "dev"\nhost = "https://ph.example"\n`
    await workspace.fs.writeFile(file('shop/flagline.toml'), Buffer.from(toml))
    await until('two hosts', () => new Set(extension().exports.bar.status.environments.map(it => it.host)).size === 2)
    const offered = []
    const look = items => {
      offered.push(items.map(it => it.description.replace(' · current', '')))
      return undefined
    }
    await open('admin/src/theme.ts')
    answers.pick.push(look)
    await commands.executeCommand('flagline.chooseProject')
    await commands.executeCommand('workbench.action.closeAllEditors')
    await until('no editor', () => vscode.window.activeTextEditor === undefined)
    answers.pick.push(look)
    await commands.executeCommand('flagline.chooseProject')
    // The projects of the one; then the hosts.
    assert.deepEqual(offered[0], ['1'])
    assert.deepEqual([...new Set(offered[1])].sort(), ['https://ph.example', test.sandbox].sort())
    await workspace.fs.delete(file('shop/flagline.toml'))
    await until('one host', () => extension().exports.bar.status.environments.every(it => it.host === test.sandbox))
  }],
  ['a root that comes later is read, too', async () => {
    assert.ok(workspace.updateWorkspaceFolders(2, 0, { uri: file('later') }))
    await until('three roots', () => workspace.workspaceFolders.length === 3)
    const document = await open('later/src/theme.ts')
    await hoverSays(document, 'dark-mode', 'everyone')
    await barSays('Offset')
  }],
]
