import type { ExtensionContext } from 'vscode'
import { conceal } from './output'

/** The hosts that a key is stored for; secrets cannot be listed. */
const HOSTS = 'flagline.hosts'

/** Personal API keys, one a host, where the editor keeps secrets. */
export type Credentials = {
  hosts: () => readonly string[]
  get: (host: string) => Promise<string | undefined>
  store: (host: string, key: string) => Promise<void>
  forget: (host: string) => Promise<void>
  /** Calls back when another window signed in to a host or out of it. */
  onChange: (changed: (host: string) => void) => void
}

export function credentials(context: ExtensionContext): Credentials {
  const { secrets, globalState } = context
  const hosts = (): readonly string[] => globalState.get<string[]>(HOSTS, [])
  // What this window writes comes back as an event, too.
  const known = new Map<string, string | undefined>()
  const get = async (host: string): Promise<string | undefined> => {
    const key = await secrets.get(name(host))
    if (key !== undefined) conceal(key)
    known.set(host, key)
    return key
  }
  return {
    hosts,
    get,
    async store(host, key) {
      conceal(key)
      known.set(host, key)
      await secrets.store(name(host), key)
      await globalState.update(HOSTS, [...new Set([...hosts(), host])].sort())
    },
    async forget(host) {
      known.set(host, undefined)
      await secrets.delete(name(host))
      await globalState.update(HOSTS, hosts().filter(it => it !== host))
    },
    onChange(changed) {
      const look = async (secret: string): Promise<void> => {
        if (!secret.startsWith(name(''))) return
        const host = secret.slice(name('').length)
        const before = known.get(host)
        if ((await get(host)) !== before) changed(host)
      }
      context.subscriptions.push(secrets.onDidChange(event => void look(event.key)))
    },
  }
}

function name(host: string): string {
  return `flagline.key ${host}`
}
