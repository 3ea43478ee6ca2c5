import { commands, ExtensionMode, window, workspace, type ExtensionContext } from 'vscode'
import { State, type LanguageClient } from 'vscode-languageclient/node'
import { sendSettings } from './client'
import {
  execute,
  followFlag,
  launch,
  open,
  removeFlag,
  reviewFeature,
  showReferencesHere,
  showStatus,
  unfollowFlag,
} from './commands'
import { credentials } from './credentials'
import { lifecycle, type Lifecycle } from './lifecycle'
import { move, stop, type Way } from './moves'
import { createFeature, newFeature } from './newFeature'
import { logChannel, redacted, traceChannel } from './output'
import { askProject } from './project'
import { showReferences } from './references'
import { follow, signIn, signOut } from './signIn'
import { menu, statusBar } from './status'

let server: Lifecycle | undefined

export function activate(context: ExtensionContext): unknown {
  const channels = { log: logChannel(), trace: traceChannel(context) }
  context.subscriptions.push(channels.log, channels.trace)
  const keys = credentials(context)
  const bar = statusBar(context)
  const running = lifecycle(context, channels, keys, bar)
  server = running

  const register = (name: string, run: (...given: never[]) => unknown): void => {
    context.subscriptions.push(commands.registerCommand(name, run))
  }
  const registerWithServer = (name: string, run: (client: LanguageClient, ...given: never[]) => Promise<void>): void => {
    register(name, (...given) => withServer(running, client => run(client, ...given)))
  }
  registerWithServer('flagline.palette.createFeature', createFeature)
  registerWithServer('flagline.palette.launch', launch)
  registerWithServer('flagline.palette.follow', followFlag)
  registerWithServer('flagline.palette.unfollow', unfollowFlag)
  for (const way of ['promote', 'stop', 'resume', 'rollBack', 'finish'] satisfies Way[]) {
    registerWithServer(`flagline.palette.${way}`, client => move(client, way))
  }
  registerWithServer('flagline.palette.review', reviewFeature)
  registerWithServer('flagline.palette.removeFlag', removeFlag)
  registerWithServer('flagline.palette.open', open)
  registerWithServer('flagline.palette.refresh', client => execute(client, 'flagline.refresh'))
  registerWithServer('flagline.palette.status', showStatus)
  registerWithServer('flagline.palette.showReferences', showReferencesHere)
  registerWithServer('flagline.showReferences', showReferences)
  registerWithServer('flagline.newFeature', newFeature)
  registerWithServer('flagline.stopFeature', stop)
  registerWithServer('flagline.signIn', client => signIn(client, keys, bar.status))
  registerWithServer('flagline.signOut', client => signOut(client, keys))
  registerWithServer('flagline.chooseProject', client => askProject(client, bar.status, keys.hosts()))
  register('flagline.menu', () => menu(bar, keys.hosts().length > 0))
  register('flagline.restart', running.restart)
  register('flagline.showLog', () => {
    channels.log.show()
  })

  const tell = (say: (client: LanguageClient) => Promise<void>): void => {
    const client = running.client()
    if (client !== undefined) say(client).catch(running.log)
  }
  keys.onChange(host => {
    tell(client => follow(client, keys, host))
  })
  context.subscriptions.push(
    workspace.onDidChangeConfiguration(event => {
      if (event.affectsConfiguration('flagline.path')) void running.restart()
      else if (event.affectsConfiguration('flagline')) tell(sendSettings)
    }),
    workspace.onDidGrantWorkspaceTrust(() => {
      tell(sendSettings)
    }),
  )
  // The editor does not wait for the server.
  void running.restart()
  return context.extensionMode === ExtensionMode.Test ? { context, bar, client: running.client } : undefined
}

export async function deactivate(): Promise<void> {
  await server?.stop()
}

/** Runs a command that needs the server. What the server says no to is told. */
async function withServer(running: Lifecycle, run: (client: LanguageClient) => Promise<void>): Promise<void> {
  const isGone = (): boolean => [undefined, State.Stopped, State.StartFailed].includes(running.client()?.state)
  if (isGone()) await running.restart()
  const client = running.client()
  if (client === undefined || isGone()) return
  try {
    await run(client)
  } catch (error) {
    running.log(error)
    const why = error instanceof Error ? error.message : String(error)
    void window.showErrorMessage(`Flagline: ${redacted(why)}`)
  }
}
