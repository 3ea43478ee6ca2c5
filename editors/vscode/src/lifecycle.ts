import { setTimeout as sleep } from 'node:timers/promises'
import type { ExtensionContext } from 'vscode'
import { State, type LanguageClient } from 'vscode-languageclient/node'
import { languageClient, NOT_STARTED, offerRestart, type Channels } from './client'
import { pick } from './commands'
import type { Credentials } from './credentials'
import * as protocol from './protocol'
import { explain, find } from './server'
import type { StatusBar } from './status'

const STOPS_WITHIN = 3000

/** The one server of this window, from activation to deactivation. */
export type Lifecycle = {
  client: () => LanguageClient | undefined
  /** Also starts one that is not there; one after the other, however often it is asked for. */
  restart: () => Promise<void>
  stop: () => Promise<void>
  log: (error: unknown) => void
}

export function lifecycle(
  context: ExtensionContext,
  channels: Channels,
  credentials: Credentials,
  bar: StatusBar,
): Lifecycle {
  let current: LanguageClient | undefined
  let last: Promise<void> = Promise.resolve()

  const log = (error: unknown): void => {
    channels.log.error(String(error))
  }
  const start = async (): Promise<void> => {
    const found = await find(context)
    if ('problem' in found) {
      bar.setServer('stopped')
      log(found.problem)
      void explain(found.problem)
      return
    }
    let isTold = false
    const gaveUp = (why: string): void => {
      if (!isTold) void offerRestart(why, restart, channels.log)
      isTold = true
    }
    const client = languageClient(found.command, channels, gaveUp)
    client.onRequest(protocol.credential, async ({ host }) => {
      const key = await credentials.get(host)
      // Where nothing names a host, the only one that the user signed in to is meant.
      return key === undefined ? { key: null, hosts: [...credentials.hosts()] } : { key }
    })
    client.onRequest(protocol.pick, pick)
    client.onNotification(protocol.status, status => {
      bar.set(status)
    })
    const isDown = (): boolean => client === current && SHOWN[client.state] === 'stopped'
    client.onDidChangeState(({ newState }) => {
      if (client === current) bar.setServer(SHOWN[newState])
      // The library may pass through a failed start on its way to another one.
      if (!isDown()) return
      setTimeout(() => {
        if (isDown()) gaveUp(NOT_STARTED)
      }, 1000)
    })
    current = client
    try {
      await client.start()
    } catch (error) {
      log(error)
      gaveUp(NOT_STARTED)
    }
  }
  const stop = async (): Promise<void> => {
    const client = current
    current = undefined
    // One that does not answer any more keeps nobody waiting.
    await Promise.race([client?.dispose(), sleep(STOPS_WITHIN, undefined, { ref: false })])
  }
  const restart = (): Promise<void> => {
    const restarted = last.then(stop).catch(log).then(start)
    last = restarted.catch(log)
    return last
  }
  return { client: () => current, restart, stop, log }
}

const SHOWN = {
  [State.Starting]: 'starting',
  [State.Running]: undefined,
  [State.Stopped]: 'stopped',
  [State.StartFailed]: 'stopped',
} as const
