import { EventEmitter, LogLevel, window, workspace, type ExtensionContext, type LogOutputChannel } from 'vscode'

const secrets = new Set<string>()

/** From now on this is shown nowhere, whatever it looks like. */
export function conceal(secret: string): void {
  if (secret !== '') secrets.add(secret)
}

/** A text without keys of PostHog. */
export function redacted(text: string): string {
  let shown = text
  for (const secret of secrets) shown = shown.replaceAll(secret, '[key]')
  return shown.replaceAll(/ph[a-z]_[A-Za-z0-9_-]+/g, '[key]')
}

/** What the server says. */
export function logChannel(): LogOutputChannel {
  const channel = window.createOutputChannel('Flagline', { log: true })
  return redacting(channel, {})
}

/**
 * What client and server say to each other. The language client traces when the level of its channel is `Trace`; here the
 * setting `flagline.trace.server` decides, so that one switch is enough.
 */
export function traceChannel({ subscriptions }: ExtensionContext): LogOutputChannel {
  const channel = window.createOutputChannel('Flagline Trace', { log: true })
  const levels = new EventEmitter<LogLevel>()
  const level = (): LogLevel => {
    const wanted = workspace.getConfiguration('flagline').get<string>('trace.server', 'off')
    return wanted === 'off' ? LogLevel.Off : LogLevel.Trace
  }
  const changed = workspace.onDidChangeConfiguration(event => {
    if (event.affectsConfiguration('flagline.trace.server')) levels.fire(level())
  })
  subscriptions.push(levels, changed)
  return redacting(channel, {
    get logLevel() {
      return level()
    },
    onDidChangeLogLevel: levels.event,
    // Shown whatever the level of the real channel is.
    trace: (message: string) => {
      channel.info(redacted(message))
    },
  })
}

/** The channel, with some members in place of its own, and without keys in whatever is written. */
function redacting(channel: LogOutputChannel, instead: Partial<LogOutputChannel>): LogOutputChannel {
  const proxied: object = {}
  return new Proxy(proxied, {
    get(_, name) {
      if (name in instead) return Reflect.get(instead, name) as unknown
      const member: unknown = Reflect.get(channel, name)
      if (typeof member !== 'function') return member
      return (...given: unknown[]): unknown => Reflect.apply(member, channel, given.map(withoutKeys))
    },
  }) as LogOutputChannel
}

function withoutKeys(value: unknown): unknown {
  if (value instanceof Error) return redacted(value.stack ?? value.message)
  return typeof value === 'string' ? redacted(value) : value
}
