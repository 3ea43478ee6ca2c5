import { commands, ExtensionMode, window, workspace, type ExtensionContext } from 'vscode'
import { State, type LanguageClient } from 'vscode-languageclient/node'
import { languageClient, offerRestart, sendSettings } from './client'
import { createFeature, execute, open, showReferencesHere } from './commands'
import { credentials } from './credentials'
import { logChannel, redacted, traceChannel } from './output'
import { askProject } from './project'
import * as protocol from './protocol'
import { showReferences } from './references'
import { explain, find } from './server'
import { follow, signIn, signOut } from './signIn'
import { menu, statusBar } from './status'

let running: LanguageClient | undefined

export function activate(context: ExtensionContext): unknown {
  const channels = { log: logChannel(), trace: traceChannel(context) }
  const keys = credentials(context)
  const bar = statusBar(context)
  context.subscriptions.push(channels.log, channels.trace)

  const start = async (): Promise<void> => {
    const found = await find(context)
    if ('problem' in found) {
      bar.setServer('stopped')
      channels.log.error(found.problem)
      void explain(found.problem)
      return
    }
    const client = languageClient(found.command, channels, () => void offerRestart(restart, channels.log))
    client.onRequest(protocol.credential, async ({ host }) => {
      const key = await keys.get(host)
      return key === undefined ? null : { key }
    })
    client.onNotification(protocol.status, status => {
      bar.set(status)
    })
    client.onDidChangeState(({ newState }) => {
      if (client === running) bar.setServer(TROUBLE[newState])
    })
    running = client
    await client.start()
  }
  const stop = async (): Promise<void> => {
    const client = running
    running = undefined
    await client?.dispose()
  }
  // One after the other: a restart that comes while one is under way waits for it.
  let queue = Promise.resolve()
  const restart = (): Promise<void> => {
    const restarted = queue.then(stop).catch(log).then(start)
    queue = restarted.catch(log)
    return restarted
  }
  const log = (error: unknown): void => {
    channels.log.error(String(error))
  }

  /** A command that needs the server. What it says no to is told. */
  const withServer =
    (run: (client: LanguageClient, ...given: never[]) => Promise<void>) =>
    async (...given: never[]): Promise<void> => {
      if (running === undefined) await restart()
      if (running === undefined) return
      try {
        await run(running, ...given)
      } catch (error) {
        log(error)
        void window.showErrorMessage(`Flagline: ${redacted(error instanceof Error ? error.message : String(error))}`)
      }
    }
  const register = (name: string, run: (...given: never[]) => unknown): void => {
    context.subscriptions.push(commands.registerCommand(name, run))
  }
  register('flagline.palette.createFeature', withServer(createFeature))
  register('flagline.palette.open', withServer(open))
  register('flagline.palette.refresh', withServer(client => execute(client, 'flagline.refresh')))
  register('flagline.palette.showReferences', withServer(showReferencesHere))
  register('flagline.showReferences', withServer(showReferences))
  register('flagline.signIn', withServer(client => signIn(client, keys, bar.status)))
  register('flagline.signOut', withServer(client => signOut(client, keys)))
  register('flagline.chooseProject', withServer(client => askProject(client, bar.status, keys.hosts())))
  register('flagline.menu', () => menu(bar, keys.hosts().length > 0))
  register('flagline.restart', restart)
  register('flagline.showLog', () => {
    channels.log.show()
  })

  keys.onChange(host => {
    if (running !== undefined) follow(running, keys, host).catch(log)
  })
  const tellSettings = (): void => {
    if (running !== undefined) sendSettings(running).catch(log)
  }
  context.subscriptions.push(
    workspace.onDidChangeConfiguration(event => {
      if (event.affectsConfiguration('flagline.path')) restart().catch(log)
      else if (event.affectsConfiguration('flagline')) tellSettings()
    }),
    workspace.onDidGrantWorkspaceTrust(tellSettings),
  )
  // The editor does not wait for the server; what is wrong is told by then.
  queue = start().catch(log)
  return context.extensionMode === ExtensionMode.Test ? { context, client: () => running } : undefined
}

export async function deactivate(): Promise<void> {
  await running?.dispose()
}

const TROUBLE = {
  [State.Starting]: 'starting',
  [State.Running]: undefined,
  [State.Stopped]: 'stopped',
  [State.StartFailed]: 'stopped',
} as const
