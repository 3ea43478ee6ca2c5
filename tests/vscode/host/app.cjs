const assert = require('node:assert/strict')
const { existsSync, readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const {
  action, answered, answers, BACK, bar, barSays, extension, file, flags, hover, hoverSays, item, open, pause, place, posthog, root, said, seen, signIn, take, test, until, useSandbox,
  vscode, warnings, warns,
} = require('./support.cjs')
const { commands, ConfigurationTarget, window, workspace } = vscode

const secret = () => `flagline.key ${test.sandbox}`
const stored = () => extension().exports.context.secrets.get(secret())
const pid = () => extension().exports.client()?.serverProcess?.pid
const running = () => extension().exports.client()?.isRunning() && pid()
const set = (name, value) => workspace.getConfiguration('flagline').update(name, value, ConfigurationTarget.Workspace)
/** Errors that popped up after so many messages; that nobody is signed in is a warning, and comes when it comes. */
const errors = before => seen.messages.slice(before).filter(it => it.kind === 'showErrorMessage')
const settingsFile = () => {
  const path = join(root, '.vscode', 'settings.json')
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

/** A step that sees the question as it should be, and goes on. */
const says = (expected, then) => box => {
  for (const [name, value] of Object.entries(expected)) assert.deepEqual(box[name], value, `${name} of ${box.prompt ?? box.placeholder}`)
  return then
}

module.exports = [
  ['sleeps until a file of a supported language is opened', async () => {
    await open('README.md')
    await pause(500)
    assert.equal(extension().isActive, false)
    await open('src/Checkout.tsx')
    await until('active', () => extension().isActive)
  }],
  ['signed out: says so in the status bar, claims nothing', async () => {
    await useSandbox()
    const document = await open('src/Checkout.tsx')
    await until('a hover', async () => (await hover(document, 'new-checkout')) !== '')
    assert.ok(!(await hover(document, 'new-checkout')).includes('everyone'))
    assert.deepEqual(warnings(document), [])
  }],
  ['a wrong key: the sentence of the server, and nothing is stored', async () => {
    await signIn('phx_wrong')
    const box = seen.boxes.at(-1)
    assert.equal(box.password, true)
    assert.equal(box.refusals.length, 1)
    assert.match(box.refusals[0], /key/)
    assert.doesNotMatch(box.refusals[0], /phx_/)
    assert.equal(await stored(), undefined)
    await barSays('sign in')
  }],
  ['sign-in: a wrong key, then the right one; kept as a secret, not in settings', async () => {
    await signIn('phx_wrong', 'phx_sandbox')
    assert.equal(seen.boxes.at(-1).refusals.length, 1)
    await said('signed in')
    assert.equal(await stored(), 'phx_sandbox')
    await barSays('Offset')
    assert.doesNotMatch(settingsFile(), /phx_/)
    assert.doesNotMatch(JSON.stringify(workspace.getConfiguration('flagline')), /phx_/)
  }],
  ['the status bar shows project and state, its tooltip the age', async () => {
    await until('ready', () => bar().startsWith('$(symbol-boolean) Offset'))
    const { tooltip, command } = item()
    assert.match(tooltip.value.replaceAll('&nbsp;', ' '), /just now|min ago/)
    assert.equal(tooltip.isTrusted ?? false, false)
    assert.equal(command, 'flagline.menu')
    answers.pick.push(items => {
      const labels = items.map(it => it.label.replace(/\$\(.*?\) /, ''))
      for (const label of ['Refresh', 'Show Log', 'Sign Out', 'Restart Server']) assert.ok(labels.includes(label), label)
      return items.find(it => it.label.includes('Refresh'))
    })
    await commands.executeCommand('flagline.menu')
    assert.ok(seen.commands.some(([name]) => name === 'flagline.palette.refresh'))
  }],
  ['hover shows the card of a flag', async () => {
    const document = await open('src/Checkout.tsx')
    await hoverSays(document, 'new-checkout', 'everyone since')
    await hoverSays(document, 'pricing-page', 'experiment')
  }],
  ['warnings, with their codes', async () => {
    const document = await open('src/Checkout.tsx')
    await warns(document, "unknown-flag 'new-chekout'")
    await warns(document, "stale-flag 'new-checkout'")
  }],
  ['Change to corrects a misspelt key', async () => {
    const document = await open('src/Checkout.tsx')
    await take(await action(document, 'new-chekout', "Change to 'new-checkout'"))
    assert.ok(!document.getText().includes('new-chekout'))
    await until('the warning goes', () => !warnings(document).some(it => it.startsWith('unknown-flag')))
    await commands.executeCommand('undo')
  }],
  ['Remove flag keeps the branch that everyone gets', async () => {
    const document = await open('src/theme.ts')
    const before = document.getText()
    await warns(document, 'stale-flag')
    await take(await action(document, 'dark-mode', "Remove flag 'dark-mode'"))
    assert.equal(document.getText(), before.replace(/posthog\.isFeatureEnabled.*/, "'dark'").replace(/^import.*\n\n?/, imports(document)))
    await commands.executeCommand('undo')
  }],
  ['Create Feature… asks step by step, begins with the key at the cursor, and writes a brief', async () => {
    const document = await open('server/gifts.py')
    const at = place(document, 'gift-wrapping')
    window.activeTextEditor.selection = new vscode.Selection(at, at)
    await warns(document, 'unknown-flag')
    const steps = [
      says({ value: 'Gift wrapping', step: 1, totalSteps: 5, buttons: [] }, ''),
      'Gifts',
      says({ value: 'gift-wrapping', step: 2, refusals: [], buttons: [BACK] }, 'a b'),
      says({ refusals: ['Letters, digits, _ and -, at most 400'] }, 'ä'),
      'x'.repeat(401),
      says({ refusals: Array(3).fill('Letters, digits, _ and -, at most 400') }, 'gift-wrapping'),
      'Who gives, gives again',
      'Rollout in stages',
      says({ step: 5, totalSteps: 5 }, 'Funnel'),
      says({ step: 6, totalSteps: 6 }, 'gift ordered'),
      'gift sent',
      // Back from the events, and forth: what was chosen is still there.
      BACK,
      BACK,
      BACK,
      says({ step: 3, value: 'Who gives, gives again' }, BACK),
      says({ step: 2, value: 'gift-wrapping' }, BACK),
      says({ step: 1, value: 'Gifts' }, 'Gifts'),
      'gift-wrapping',
      'Who gives, gives again',
      'Rollout in stages',
      box => {
        assert.deepEqual(box.activeItems.map(it => it.label), ['Funnel'])
        return 'Funnel'
      },
      says({ placeholder: 'gift ordered → gift sent → …' }, 'Without the last step'),
      'gift unwrapped',
      'That is all',
    ]
    await answered(steps, 'flagline.palette.createFeature')
    await said("'gift-wrapping' has a brief now")
    await until('the brief is open', () => window.activeTextEditor?.document.uri.path.endsWith('/.flagline/gift-wrapping.toml'))
    const brief = window.activeTextEditor.document.getText()
    for (const line of ['key = "gift-wrapping"', 'name = "Gifts"', 'hypothesis = "Who gives, gives again"', 'kind = "funnel"', '"gift ordered", "gift unwrapped"']) {
      assert.ok(brief.includes(line), `${line} in ${brief}`)
    }
    assert.ok(!(await flags()).includes('gift-wrapping'))
  }],
  ['Launch Feature asks for the key with that of the open brief, shows what it makes, and makes it', async () => {
    await open('.flagline/gift-wrapping.toml')
    const own = options => {
      assert.equal(options.value, 'gift-wrapping')
      for (const bad of ['', 'a b', 'ä', 'x'.repeat(401)]) assert.notEqual(options.validateInput(bad), undefined, bad)
      return options.value
    }
    answers.type.push(own)
    await commands.executeCommand('flagline.palette.launch')
    const { buttons } = await said("launching 'gift-wrapping' makes or changes")
    assert.deepEqual(buttons, ['Launch', 'Make It, Leave It Off', 'Show Plan'])
    assert.ok(!(await flags()).includes('gift-wrapping'))
    answers.type.push(own)
    answers.button = 'Launch'
    await commands.executeCommand('flagline.palette.launch')
    await said("'gift-wrapping' is launched, in its first stage. http")
    assert.ok((await flags()).includes('gift-wrapping'))
    const document = await open('server/gifts.py')
    await until('the warning goes', () => !warnings(document).some(it => it.includes('gift-wrapping')))
    await hoverSays(document, 'gift-wrapping', '1/2 internal, 100 %')
  }],
  ['Promote, Stop, Roll Back and Resume move the rollout of the feature that is shown, each after a question', async () => {
    const document = await open('.flagline/gift-wrapping.toml')
    answers.button = 'Promote Anyway'
    await commands.executeCommand('flagline.palette.promote')
    const { message, buttons } = await said("promoting 'gift-wrapping'")
    assert.match(message, /opens everyone at 5 %.* This speaks against it: 5 more people to meet it/)
    assert.deepEqual(buttons, ['Promote Anyway'])
    await said("'gift-wrapping' is promoted: opens everyone at 5 %")
    // Escape from the reason stops nothing.
    const stop = await lens(document, 'stop')
    assert.equal(stop.command, 'flagline.stopFeature')
    answers.type.push(() => undefined)
    await commands.executeCommand(stop.command, ...stop.arguments)
    answers.type.push(options => {
      assert.match(options.title, /gift-wrapping/)
      return 'ribbons run out'
    })
    answers.button = 'Stop'
    await commands.executeCommand('flagline.palette.stop')
    await said("'gift-wrapping' is stopped: closes everyone; internal stays")
    assert.match(await stage('everyone'), /^2\/2 everyone · stopped: ribbons run out/)
    // In the code the flag at the cursor is meant.
    const code = await open('server/gifts.py')
    const at = place(code, 'gift-wrapping')
    window.activeTextEditor.selection = new vscode.Selection(at, at)
    await lens(code, 'gift-wrapping: resume everyone (stopped: ribbons run out)')
    answers.button = 'Resume'
    await commands.executeCommand('flagline.palette.resume')
    await said("'gift-wrapping' is resumed: lifts the stop of everyone (ribbons run out)")
    // Where nothing is shown, it is asked for.
    await open('README.md')
    answers.type.push(options => {
      assert.notEqual(options.validateInput('a b'), undefined)
      return 'gift-wrapping'
    })
    answers.button = 'Promote Anyway'
    const before = seen.messages.length
    await commands.executeCommand('flagline.palette.promote')
    await until('it is promoted again', () => seen.messages.slice(before).find(it => it.message.includes('is promoted: opens everyone')))
    answers.button = 'Roll Back'
    await open('.flagline/gift-wrapping.toml')
    await take(await action(document, 'gift-wrapping', "Roll 'gift-wrapping' back to internal"))
    await said("'gift-wrapping' is rolled back: closes everyone; internal stays")
    assert.match(await stage('everyone'), /stopped: rolled back to internal/)
    answers.type.push('gift-wrapping')
    await commands.executeCommand('flagline.palette.review')
    await said("'gift-wrapping' is not reviewed: it is still on its way")
  }],
  ['Escape creates nothing, whatever was answered', async () => {
    const document = await open('src/Checkout.tsx')
    const create = await action(document, 'new-chekout', "Create feature 'new-chekout'")
    const before = seen.messages.length
    await answered([says({ value: 'New chekout' }, 'New chekout'), 'new-chekout', 'because', undefined], create.command.command, ...create.command.arguments)
    await pause(500)
    assert.equal(existsSync(join(root, '.flagline', 'new-chekout.toml')), false)
    assert.deepEqual(seen.messages.slice(before), [])
  }],
  ['Create feature as a quick fix, then Launch feature', async () => {
    const document = await open('src/Checkout.tsx')
    const create = await action(document, 'new-chekout', "Create feature 'new-chekout'")
    await answered(['New chekout', 'new-chekout', '', 'A/B test', 'Trend', 'order paid'], create.command.command, ...create.command.arguments)
    await said("'new-chekout' has a brief now")
    assert.match(readFileSync(join(root, '.flagline', 'new-chekout.toml'), 'utf8'), /ab-test/)
    await open('src/Checkout.tsx')
    answers.button = 'Make It, Leave It Off'
    await take(await action(document, 'new-chekout', "Launch feature 'new-chekout'"))
    await said("'new-chekout' is made, and off")
    assert.ok((await flags()).includes('new-chekout'))
  }],
  ['a selection becomes a feature, and is wrapped in its check', async () => {
    const document = await open('src/Checkout.tsx')
    const before = document.getText()
    const code = '<button onClick={pay}>Offset now</button>'
    const start = document.positionAt(before.indexOf(code))
    window.activeTextEditor.selection = new vscode.Selection(start, start.translate(0, code.length))
    const wrap = box => {
      assert.deepEqual(box.items.map(it => it.label), ['Wrap the selection', 'Leave the code as it is'])
      return 'Wrap the selection'
    }
    // The key follows the name, also when the user goes back to change it.
    const key = says({ value: 'offset-at-once' }, BACK)
    const steps = ['Offset at once', key, 'Offset, & now!', says({ value: 'offset-now' }, 'offset-now'), '', 'Rollout in stages', 'Retention', '$pageview', wrap]
    await answered(steps, 'flagline.palette.createFeature')
    await said("'offset-now' has a brief now")
    assert.ok(document.getText().includes("'offset-now'"), document.getText())
    assert.match(readFileSync(join(root, '.flagline', 'offset-now.toml'), 'utf8'), /kind = "retention"/)
    await open('src/Checkout.tsx')
    await commands.executeCommand('undo')
    assert.equal(document.getText(), before)
  }],
  ['code that cannot be wrapped: the last step says why, and the feature is created without', async () => {
    const document = await open('src/Checkout.tsx')
    const before = document.getText()
    window.activeTextEditor.selection = new vscode.Selection(0, 0, 1, 0)
    const refused = box => {
      assert.ok(box.items.length === 1 && box.items[0].detail.length > 10, JSON.stringify(box.items))
      return 'Leave the code as it is'
    }
    await answered(['Imports', 'imports', '', 'Rollout in stages', 'Trend', 'order paid', refused], 'flagline.palette.createFeature')
    await said("'imports' has a brief now")
    assert.equal(document.getText(), before)
    await workspace.fs.delete(file('.flagline'), { recursive: true })
  }],
  ['Open in PostHog leads to the page of the flag at the cursor', async () => {
    const opened = []
    vscode.env.openExternal = async uri => opened.push(uri.toString()) > 0
    const document = await open('src/Checkout.tsx')
    const at = place(document, 'pricing-page')
    window.activeTextEditor.selection = new vscode.Selection(at, at)
    await commands.executeCommand('flagline.palette.open')
    await until('a page', () => opened.some(it => /\/feature_flags\/\d+$/.test(it)))
  }],
  ['Show Status opens the page of all features', async () => {
    const opened = []
    vscode.env.openExternal = async uri => opened.push(uri.toString()) > 0
    await open('src/Checkout.tsx')
    await commands.executeCommand('flagline.palette.status')
    await until('a page', () => opened.some(it => /\/flagline\/pages\/status-[0-9a-f]+\.html$/.test(it)))
  }],
  ['a lens shows the places that read a flag; a single one is gone to', async () => {
    const document = await open('src/Checkout.tsx')
    const lenses = await until('lenses', async () => {
      const all = await commands.executeCommand('vscode.executeCodeLensProvider', document.uri, 100)
      return all.some(it => it.command?.command === 'flagline.showReferences') && all
    })
    const [uri, position, locations] = lenses.find(it => it.command?.command === 'flagline.showReferences').command.arguments
    assert.ok(locations.length > 0)
    await commands.executeCommand('flagline.showReferences', uri, position, [locations[0], locations[0]])
    const [, shown, , all] = seen.commands.findLast(([name]) => name === 'editor.action.showReferences')
    assert.ok(shown instanceof vscode.Uri && all[0] instanceof vscode.Location)
    await commands.executeCommand('flagline.showReferences', uri, position, [locations[0]])
    assert.equal(window.activeTextEditor.selection.start.line, locations[0].range.start.line)
  }],
  ['a setting takes effect at once', async () => {
    const document = await open('src/Checkout.tsx')
    await warns(document, 'stale-flag')
    await set('staleDays', 3650)
    await until('no stale flag', () => !warnings(document).some(it => it.startsWith('stale-flag')))
    await set('staleDays', undefined)
    await warns(document, 'stale-flag')
  }],
  ['flagline.toml takes effect, and its errors are warnings in it', async () => {
    const document = await open('src/Checkout.tsx')
    await workspace.fs.writeFile(file('flagline.toml'), Buffer.from('stale_days = 3650\n'))
    await until('no stale flag', () => !warnings(document).some(it => it.startsWith('stale-flag')))
    const toml = await open('flagline.toml')
    const edit = new vscode.WorkspaceEdit()
    edit.insert(toml.uri, toml.positionAt(toml.getText().length), 'no_such_setting = 1\n')
    await workspace.applyEdit(edit)
    await until('an error in flagline.toml', () => vscode.languages.getDiagnostics(toml.uri).length > 0)
    await commands.executeCommand('workbench.action.revertAndCloseActiveEditor')
    await workspace.fs.delete(file('flagline.toml'))
    await warns(document, 'stale-flag')
  }],
  ['the key is asked for once: a restarted server gets it again', async () => {
    const before = pid()
    await commands.executeCommand('flagline.restart')
    await until('another server', () => running() && pid() !== before)
    await until('ready', () => bar() === '$(symbol-boolean) Offset')
    const document = await open('src/Checkout.tsx')
    await hoverSays(document, 'new-checkout', 'everyone since')
  }],
  ['a server that crashes is started again', async () => {
    const before = pid()
    process.kill(before, 'SIGKILL')
    await until('another server', () => running() && pid() !== before)
    const document = await open('src/Checkout.tsx')
    await hoverSays(document, 'new-checkout', 'everyone since')
  }],
  ['the conversation is shown on demand, and never a key', async () => {
    await set('trace.server', 'verbose')
    await pause(300)
    await signIn('phx_wrong', 'phx_sandbox')
    await commands.executeCommand('flagline.restart')
    await until('ready', () => bar() === '$(symbol-boolean) Offset')
    const text = await until('the trace', () => {
      const text = seen.output['Flagline Trace'].join('\n')
      return text.includes('flagline/signIn') && text.includes('flagline/credential') && text
    })
    assert.match(text, /\[key\]/)
    assert.doesNotMatch(Object.values(seen.output).flat().join('\n'), /phx_|ph[a-z]_sandbox/)
    await set('trace.server', undefined)
    const lines = seen.output['Flagline Trace'].length
    const document = await open('src/Checkout.tsx')
    await hover(document, 'new-checkout')
    assert.ok(seen.output['Flagline Trace'].length <= lines + 1)
  }],
  ['Choose Project… becomes a setting of the workspace', async () => {
    answers.pick.push('Offset')
    await commands.executeCommand('flagline.chooseProject')
    assert.match(settingsFile(), /"flagline.project": 1/)
    await until('ready', () => bar() === '$(symbol-boolean) Offset')
  }],
  ['where flagline.toml declares environments, Choose Project… opens it', async () => {
    await workspace.fs.writeFile(file('flagline.toml'), Buffer.from(`[[environment]]\nname = "production"\nhost = "${test.sandbox}"\nproject = 1\n`))
    answers.button = 'Open flagline.toml'
    await commands.executeCommand('flagline.chooseProject')
    assert.ok(window.activeTextEditor.document.uri.path.endsWith('/flagline.toml'))
    await workspace.fs.delete(file('flagline.toml'))
  }],
  ['a key that may only read: launching is refused in words', async () => {
    await signIn('phx_sandbox_read')
    await open('src/theme.ts')
    await answered(['Written by nobody', 'written-by-nobody', '', 'Rollout in stages', 'None yet'], 'flagline.palette.createFeature')
    await said("'written-by-nobody' has a brief now")
    const before = seen.messages.length
    answers.type.push('written-by-nobody')
    answers.button = 'Launch'
    await commands.executeCommand('flagline.palette.launch')
    const refusal = await until('a refusal', () => errors(before)[0])
    assert.match(refusal.message, /scope|permission/)
    answers.button = undefined
    assert.ok(!(await flags()).includes('written-by-nobody'))
    await workspace.fs.delete(file('.flagline'), { recursive: true })
  }],
  ['sign-out forgets the key, and what was known', async () => {
    const document = await open('src/Checkout.tsx')
    await warns(document, 'stale-flag')
    await commands.executeCommand('flagline.signOut')
    assert.equal(await stored(), undefined)
    await barSays('sign in')
    await until('no warnings', () => warnings(document).length === 0)
    await commands.executeCommand('flagline.restart')
    await barSays('sign in')
  }],
  ['a program that is not there: one message that says what to do', async () => {
    const before = seen.messages.length
    await set('path', '/nowhere/flagline')
    await said("'/nowhere/flagline'")
    assert.deepEqual(errors(before).map(it => it.buttons), [['Open Settings', 'How to Install']])
    await barSays('not running')
    await set('path', undefined)
    await barSays('sign in')
  }],
  ['a program that is no language server: one message, with buttons', async () => {
    const script = join(root, 'no-program')
    writeFileSync(script, 'neither a script nor a program\n', { mode: 0o755 })
    for (const path of ['/bin/false', script]) {
      const before = seen.messages.length
      await set('path', path)
      await until('a message', () => errors(before).some(it => it.message.includes('the server does not start')))
      await barSays('not running')
      // Nothing else pops up.
      await pause(1000)
      assert.deepEqual(errors(before).map(it => it.buttons), [['Restart Server', 'Show Log']])
    }
    await set('path', undefined)
    await barSays('sign in')
  }],
  ['a server that crashes again and again is given up, with a button', async () => {
    for (let crash = 1; crash <= 5; crash += 1) {
      await barSays('sign in')
      const before = pid()
      if (crash === 5) answers.button = 'Restart Server'
      process.kill(before, 'SIGKILL')
      if (crash < 5) await until('another server', () => running() && pid() !== before)
    }
    await said('is not started again')
    await until('a server', running)
    await barSays('sign in')
  }],
]

/** The command of a lens, once it is there. */
function lens(document, title) {
  return until(`a lens ${title}`, async () => {
    const all = await commands.executeCommand('vscode.executeCodeLensProvider', document.uri, 100)
    return all.map(it => it.command).find(it => it?.title === title)
  })
}

/** How PostHog's page describes a stage of the wrapping of gifts. */
async function stage(name) {
  const { results } = await posthog('/api/projects/1/feature_flags/?search=gift-wrapping')
  return results.find(it => it.key === 'gift-wrapping').filters.groups.map(it => it.description).find(it => it.includes(name))
}

/** Removing the last read may leave or take the import; that is the server's to test. */
function imports(document) {
  return /^import.*\n\n?/.exec(document.getText())?.[0] ?? ''
}
