// Hands and eyes of a user, inside the extension host.
//
// This lies in the extension's folder, so `vscode` is the very object that the extension uses: what it shows can be
// watched, and what a user would type or choose can be answered here.
const vscode = require('vscode')
const { commands, window, workspace, languages, Uri } = vscode
const { join } = require('node:path')

const test = JSON.parse(process.env.FLAGLINE_TEST)
const root = test.open.endsWith('.code-workspace') ? join(test.open, '..') : test.open

/** All that was shown or written so far. */
const seen = { messages: [], output: {}, boxes: [], commands: [] }

for (const kind of ['showInformationMessage', 'showWarningMessage', 'showErrorMessage']) {
  window[kind] = async (message, ...buttons) => {
    // The extension's own buttons are words, those of the server things with a title.
    const titles = buttons.map(it => it.title ?? it).filter(it => typeof it === 'string')
    seen.messages.push({ kind, message, buttons: titles })
    const wanted = buttons.find(it => answers.button !== undefined && (it.title ?? it) === answers.button)
    if (wanted !== undefined) answers.button = undefined
    return wanted
  }
}
const createChannel = window.createOutputChannel
window.createOutputChannel = (name, ...given) => {
  const channel = createChannel.call(window, name, ...given)
  const lines = (seen.output[name] = [])
  const writing = ['trace', 'debug', 'info', 'warn', 'error', 'append', 'appendLine']
  return new Proxy({}, {
    get: (_, member) => {
      const value = channel[member]
      if (typeof value !== 'function') return value
      return (...said) => {
        if (writing.includes(member)) lines.push(said.join(' '))
        return value.apply(channel, said)
      }
    },
  })
}
const execute = commands.executeCommand
commands.executeCommand = (name, ...given) => {
  seen.commands.push([name, ...given])
  return execute.call(commands, name, ...given)
}

/** What the user will do at the next question. */
const answers = { button: undefined, pick: [], type: [], keys: [], steps: [], wrong: undefined }

/** A click on the arrow of a question that has one. */
const BACK = vscode.QuickInputButtons.Back

/** Lists: the label of an entry, or a function that sees all of them. */
window.showQuickPick = async items => {
  const all = await items
  const wanted = answers.pick.shift()
  if (wanted === undefined) throw new Error(`nobody expected to choose from ${JSON.stringify(all)}`)
  if (typeof wanted === 'function') return wanted(all)
  const found = all.find(it => (it.label ?? it).includes(wanted))
  if (found === undefined) throw new Error(`no ${wanted} among ${JSON.stringify(all)}`)
  return found
}
/** Boxes: what is typed, or a function that sees the box. What the box refuses cannot be entered. */
window.showInputBox = async options => {
  const wanted = answers.type.shift()
  if (wanted === undefined) throw new Error(`nobody expected to type into ${JSON.stringify(options)}`)
  const typed = typeof wanted === 'function' ? wanted(options) : wanted
  const refused = typed === undefined ? undefined : await options.validateInput?.(typed)
  if (refused) throw new Error(`refused: ${refused}`)
  return typed
}
/** The box for keys takes one after the other until it is closed, or there are no more; others are steps of a question. */
window.createInputBox = () => {
  const box = quickInput(() => (box.password ? tryKeys(box) : takeSteps(box)))
  return box
}
window.createQuickPick = () => {
  const box = quickInput(() => takeSteps(box))
  return Object.assign(box, { items: [], activeItems: [], selectedItems: [] })
}

function quickInput(run) {
  const handlers = {}
  const on = name => handler => {
    handlers[name] = handler
    return { dispose: () => undefined }
  }
  return {
    value: '', busy: false, validationMessage: undefined, refusals: [], buttons: [], handlers,
    onDidAccept: on('accept'), onDidChangeValue: on('change'), onDidTriggerButton: on('button'), onDidHide: on('hide'),
    show() {
      seen.boxes.push(this)
      void run()
    },
    dispose() {
      this.isGone = true
    },
  }
}

async function tryKeys(box) {
  while (!box.isGone) {
    const key = answers.keys.shift()
    if (key === undefined) return box.handlers.hide()
    enter(box, key)
    await until('the key was tried', () => !box.busy)
    if (box.validationMessage !== undefined) box.refusals.push(box.validationMessage)
    else return
  }
}

/** Each step is what is typed or chosen, `BACK`, or a function that sees the box and answers one of these; none is Escape. */
async function takeSteps(box) {
  while (!box.isGone) {
    const next = answers.steps.shift()
    try {
      const wanted = typeof next === 'function' ? next(box) : next
      if (wanted === undefined) return box.handlers.hide()
      if (wanted !== BACK) enter(box, wanted)
      else if (box.buttons.includes(BACK)) box.handlers.button(BACK)
      else throw new Error(`no way back from ${box.prompt ?? box.placeholder}`)
      if (box.validationMessage !== undefined) box.refusals.push(box.validationMessage)
    } catch (error) {
      answers.wrong = error
      return box.handlers.hide()
    }
    await pause(10)
  }
}

/** Types, in a list chooses what is left then, and presses Enter. */
function enter(box, text) {
  const find = () => box.items?.find(it => it.label.includes(text))
  if (find() === undefined || box.items === undefined) {
    box.value = text
    box.handlers.change(text)
  }
  if (box.items !== undefined) {
    box.selectedItems = box.items.filter(it => it === find())
    if (box.selectedItems.length === 0) throw new Error(`no ${text} among ${JSON.stringify(box.items)}`)
  }
  box.handlers.accept()
}

/** Runs a command that asks step by step, and answers it. */
async function answered(steps, name, ...given) {
  Object.assign(answers, { steps: [...steps], wrong: undefined })
  await commands.executeCommand(name, ...given)
  if (answers.wrong !== undefined) throw answers.wrong
  if (answers.steps.length > 0) throw new Error(`not asked for: ${answers.steps}`)
}

async function until(what, holds, seconds = 20) {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const found = await holds()
    if (found) return found
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain: ${what}`)
    await pause(50)
  }
}

function pause(milliseconds) {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}

const extension = () => vscode.extensions.getExtension('flagline.flagline')
const file = path => Uri.file(join(root, path))

async function open(path) {
  const document = await workspace.openTextDocument(file(path))
  await window.showTextDocument(document)
  return document
}

/** The place of a text, in the middle of it. */
function place(document, text) {
  const at = document.getText().indexOf(text)
  if (at < 0) throw new Error(`no '${text}' in ${document.uri.path}`)
  return document.positionAt(at + 1)
}

/** The hover card at a text. */
async function hover(document, text) {
  const hovers = await execute.call(commands, 'vscode.executeHoverProvider', document.uri, place(document, text))
  return hovers.flatMap(it => it.contents).map(it => it.value ?? it).join('\n')
}

const hoverSays = (document, text, said) =>
  until(`hover over ${text} says ${said}`, async () => (await hover(document, text)).includes(said))

/** The server's warnings, as `code text`. */
function warnings(document) {
  return languages
    .getDiagnostics(document.uri)
    .filter(it => it.source === 'flagline')
    .map(it => `${typeof it.code === 'object' ? it.code.value : it.code} ${document.getText(it.range)}`)
}

const warns = (document, warning) =>
  until(`a warning ${warning}; there are: ${warnings(document)}`, () => warnings(document).some(it => it.includes(warning)))

async function action(document, text, title) {
  const at = place(document, text)
  const range = new vscode.Range(at, at)
  return until(`action ${title}`, async () => {
    const all = await execute.call(commands, 'vscode.executeCodeActionProvider', document.uri, range)
    return all.find(it => it.title.startsWith(title))
  })
}

async function take(action) {
  if (action.edit) await workspace.applyEdit(action.edit)
  if (action.command) await commands.executeCommand(action.command.command, ...(action.command.arguments ?? []))
}

/** What the status bar shows. */
const item = () => (extension().isActive ? extension().exports.bar.item : undefined)
const bar = () => item()?.text ?? ''
const barSays = text => until(`the status bar says ${text}; it says: ${bar()}`, () => bar().includes(text))

/** Has the settings of the workspace name the sandbox. */
async function useSandbox() {
  await workspace.getConfiguration('flagline').update('host', test.sandbox, vscode.ConfigurationTarget.Workspace)
  await until('the server took it', () => extension().isActive && extension().exports.bar.status.environments[0]?.host === test.sandbox)
  await barSays('$(key) Flagline: sign in')
}

/** Signs in to the sandbox. */
async function signIn(...keys) {
  answers.pick.push(test.sandbox.replace('http://', ''))
  answers.keys.push(...keys)
  await commands.executeCommand('flagline.signIn')
}

/** The sandbox, asked as a client of PostHog would. */
async function posthog(path) {
  const answer = await fetch(`${test.sandbox}${path}`, { headers: { authorization: 'Bearer phx_sandbox' } })
  return answer.json()
}

async function flags() {
  return (await posthog('/api/projects/1/feature_flags/?limit=1000')).results.map(it => it.key)
}

const said = text => until(`a message with '${text}'; there were: ${JSON.stringify(seen.messages)}`, () => seen.messages.find(it => it.message.includes(text)))

module.exports = {
  vscode, test, root, seen, answers, answered, BACK, until, pause, extension, file, open, place, hover, hoverSays, warnings, warns, action, take, bar, item,
  barSays, signIn, useSandbox, posthog, flags, said,
}
