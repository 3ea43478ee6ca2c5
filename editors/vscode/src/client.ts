import { window, type LogOutputChannel } from 'vscode'
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  RevealOutputChannelOn,
  State,
  type CloseHandlerResult,
  type ErrorHandler,
  type StaticFeature,
} from 'vscode-languageclient/node'
import { settings } from './settings'

const SECTION = 'flagline'
const LANGUAGES = ['typescript', 'typescriptreact', 'javascript', 'javascriptreact', 'python']

/** This often within `CRASHES_WITHIN` the server is started again. */
const RESTARTS = 4
const CRASHES_WITHIN = 3 * 60 * 1000

export const NOT_STARTED = 'the server does not start.'

export type Channels = { log: LogOutputChannel; trace: LogOutputChannel }

/** Writes to the log what the library would pop up, several times over: `gaveUp` tells the user once. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false)
  }
}

/** A client for the program `command`; `gaveUp` is called with the reason when there is no server, and none will come. */
export function languageClient(command: string, channels: Channels, gaveUp: (why: string) => void): LanguageClient {
  const client: LanguageClient = new QuietClient(
    'flagline',
    'Flagline',
    { command, args: ['lsp'] },
    {
      documentSelector: [
        ...LANGUAGES.flatMap(language => ['file', 'untitled'].map(scheme => ({ scheme, language }))),
        { scheme: 'file', pattern: '**/flagline.toml' },
        { scheme: 'file', pattern: '**/.flagline/*.toml' },
      ],
      outputChannel: channels.log,
      traceOutputChannel: channels.trace,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: settings,
      // Told when the client has come to rest, or a restart would meet it half closed.
      errorHandler: restarting(() => client.state === State.Running, why => setImmediate(gaveUp, why)),
      initializationFailedHandler: () => false,
      middleware: {
        workspace: {
          // `readOnly` is nothing that a user sets, so it is added here and in `sendSettings`.
          configuration: async (params, token, next) => {
            const answers = await next(params, token)
            if (!Array.isArray(answers)) return answers
            return params.items.map((item, at) => (item.section === SECTION ? settings() : (answers[at] as unknown)))
          },
          // A server that asks to be told is told by `sendSettings` like any other.
          didChangeConfiguration: () => Promise.resolve(),
        },
      },
    },
  )
  client.registerFeature(EXPERIMENTAL)
  return client
}

/** Settings, or the trust in the workspace, have changed. */
export async function sendSettings(client: LanguageClient): Promise<void> {
  await client.sendNotification('workspace/didChangeConfiguration', { settings: { [SECTION]: settings() } })
}

/** What this client can do beyond the protocol; docs/protocol.md. */
const EXPERIMENTAL: StaticFeature = {
  fillClientCapabilities(capabilities) {
    capabilities.experimental = {
      ...(capabilities.experimental as object | undefined),
      flagline: { credentials: true, status: true, pick: true },
      commands: { commands: ['flagline.showReferences', 'flagline.newFeature', 'flagline.stopFeature'] },
    }
  },
  initialize: () => undefined,
  getState: () => ({ kind: 'static' }),
  clear: () => undefined,
}

function restarting(isRunning: () => boolean, gaveUp: (why: string) => void): ErrorHandler {
  let crashes: number[] = []
  return {
    error: (_error, _message, count) => ({
      action: (count ?? 0) <= 3 ? ErrorAction.Continue : ErrorAction.Shutdown,
      handled: true,
    }),
    closed(): CloseHandlerResult {
      if (!isRunning()) {
        gaveUp(NOT_STARTED)
        return { action: CloseAction.DoNotRestart, handled: true, message: NOT_STARTED }
      }
      const now = Date.now()
      crashes = [...crashes.filter(it => now - it < CRASHES_WITHIN), now]
      if (crashes.length <= RESTARTS) return { action: CloseAction.Restart, handled: true }
      gaveUp('the server ended unexpectedly several times and is not started again.')
      const message = `The server ended ${crashes.length} times within 3 minutes, and is not started again.`
      return { action: CloseAction.DoNotRestart, handled: true, message }
    },
  }
}

/** Tells why there is no server, and offers what helps. */
export async function offerRestart(why: string, restart: () => Promise<void>, log: LogOutputChannel): Promise<void> {
  const [again, show] = ['Restart Server', 'Show Log']
  const chosen = await window.showErrorMessage(`Flagline: ${why}`, again, show)
  if (chosen === again) await restart()
  if (chosen === show) log.show()
}
