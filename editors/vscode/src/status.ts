import {
  commands,
  Disposable,
  MarkdownString,
  StatusBarAlignment,
  ThemeColor,
  window,
  type ExtensionContext,
  type QuickPickItem,
  type StatusBarItem,
} from 'vscode'
import type { Environment, Status } from './protocol'

/** What there is to say of the server itself; `undefined` while it runs. */
export type Trouble = 'starting' | 'stopped' | undefined

/** The item in the status bar: project, state, and in its tooltip the age of what is known. */
export type StatusBar = {
  readonly item: StatusBarItem
  readonly status: Status
  set: (status: Status) => void
  setServer: (trouble: Trouble) => void
}

const NOTHING: Status = { readOnly: false, environments: [] }

export function statusBar({ subscriptions }: ExtensionContext): StatusBar {
  const item = window.createStatusBarItem('flagline.status', StatusBarAlignment.Right, 90)
  item.name = 'Flagline'
  item.command = 'flagline.menu'
  let status = NOTHING
  let trouble: Trouble = 'starting'
  const draw = (): void => {
    const environment = trouble === undefined ? current(status) : undefined
    item.text = trouble === undefined ? label(environment) : SERVER[trouble]
    item.backgroundColor = isTrouble(environment, trouble) ? new ThemeColor('statusBarItem.warningBackground') : undefined
    item.tooltip = tooltip(status, trouble)
    item.show()
  }
  // The age in the tooltip grows.
  const timer = setInterval(draw, 30_000)
  const ticking = new Disposable(() => {
    clearInterval(timer)
  })
  subscriptions.push(item, ticking, window.onDidChangeActiveTextEditor(draw))
  draw()
  return {
    item,
    get status() {
      return status
    },
    set(next) {
      status = next
      draw()
    },
    setServer(next) {
      trouble = next
      if (next !== undefined) status = NOTHING
      draw()
    },
  }
}

const SERVER = { starting: '$(loading~spin) Flagline', stopped: '$(error) Flagline: not running' }

/** The first environment of the file that is looked at; `undefined` where no root holds it. */
export function environmentHere(status: Status): Environment | undefined {
  const file = window.activeTextEditor?.document.uri.toString()
  const holds = (root: string): boolean =>
    file !== undefined && (file === root || file.startsWith(root.endsWith('/') ? root : `${root}/`))
  return status.environments.find(it => it.roots.some(holds))
}

/** The first environment of the file that is looked at, or the first of all. */
function current(status: Status): Environment | undefined {
  return environmentHere(status) ?? status.environments[0]
}

function label(environment: Environment | undefined): string {
  if (environment === undefined) return '$(symbol-boolean) Flagline'
  const project = iconless(environment.project?.name ?? 'Flagline')
  switch (environment.state) {
    case 'signed-out':
      return '$(key) Flagline: sign in'
    case 'loading':
      return `$(loading~spin) ${project}`
    case 'ready':
      return `$(symbol-boolean) ${project}`
    case 'trouble':
      return `$(warning) ${project}`
    case 'settings':
      return '$(warning) Flagline: settings'
  }
}

/** A project may be named `$(x)`, which is no icon. */
function iconless(text: string): string {
  return text.replaceAll('$(', '$\u200b(')
}

function isTrouble(environment: Environment | undefined, trouble: Trouble): boolean {
  return trouble === 'stopped' || environment?.state === 'trouble' || environment?.state === 'settings'
}

function tooltip(status: Status, trouble: Trouble): MarkdownString {
  const text = new MarkdownString()
  if (trouble !== undefined) return text.appendText(`Flagline's server is ${trouble === 'starting' ? 'starting' : 'not running'}`)
  status.environments.forEach((environment, at) => {
    if (at > 0) text.appendMarkdown('\n\n---\n\n')
    lines(environment).forEach((line, at) => {
      if (at > 0) text.appendMarkdown('  \n')
      text.appendText(line)
    })
  })
  if (status.readOnly) text.appendMarkdown('\n\n').appendText('Restricted mode: nothing is written')
  return text
}

function lines(environment: Environment): string[] {
  const { project, host, state, message, fetchedAt, flags, name } = environment
  const where = host.replace(/^https?:\/\//, '')
  const title = project === null ? where : `${project.name} at ${where}`
  const age = fetchedAt === null || flags === null ? [] : [`${flags} ${flags === 1 ? 'flag' : 'flags'}, ${ago(fetchedAt)}`]
  return [`${title} (${name})`, ...(state === 'signed-out' ? ['Signed out'] : age), ...(message === null ? [] : [message])]
}

/** How long ago something was, in words. */
export function ago(time: string, now = Date.now()): string {
  const minutes = Math.floor(Math.max(0, now - Date.parse(time)) / 60_000)
  if (Number.isNaN(minutes)) return 'some time ago'
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${minutes} min ago`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours} h ago`
  return `${Math.floor(hours / 24)} days ago`
}

/** What a click offers; signed out there is only one thing to do. */
export async function menu(bar: StatusBar, isSignedIn: boolean): Promise<void> {
  const entry = (icon: string, label: string, command: string): QuickPickItem & { command: string } => ({
    label: `$(${icon}) ${label}`,
    command,
  })
  const isSignedOut = current(bar.status)?.state === 'signed-out'
  const items = [
    ...(isSignedOut ? [entry('key', 'Sign In…', 'flagline.signIn')] : []),
    entry('refresh', 'Refresh', 'flagline.palette.refresh'),
    ...(isSignedOut ? [] : [entry('project', 'Choose Project…', 'flagline.chooseProject')]),
    ...(isSignedOut ? [] : [entry('link-external', 'Open in PostHog', 'flagline.palette.open')]),
    entry('output', 'Show Log', 'flagline.showLog'),
    entry('debug-restart', 'Restart Server', 'flagline.restart'),
    ...(isSignedOut ? [] : [entry('key', 'Sign In to Another PostHog…', 'flagline.signIn')]),
    ...(isSignedIn ? [entry('sign-out', 'Sign Out', 'flagline.signOut')] : []),
  ]
  const chosen = await window.showQuickPick(items, { title: 'Flagline' })
  if (chosen !== undefined) await commands.executeCommand(chosen.command)
}
