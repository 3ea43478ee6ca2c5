import { workspace } from 'vscode'

/** What the server is told of the settings; docs/protocol.md has the list. */
const NAMES = ['host', 'project', 'staleDays', 'diagnostics', 'notifyChanges', 'lens'] as const

/**
 * The settings as the server takes them: what nobody set is `null`, or its default would go before `flagline.toml`. In an
 * untrusted workspace VS Code leaves out what the folder says of host and project, and the server only reads.
 */
export function settings(): Record<string, unknown> {
  const all = workspace.getConfiguration('flagline')
  const told = NAMES.map(name => [name, isSet(all.inspect(name)) ? (all.get(name) ?? null) : null] as const)
  return { ...Object.fromEntries(told), readOnly: !workspace.isTrusted }
}

type Inspected = { globalValue?: unknown; workspaceValue?: unknown; workspaceFolderValue?: unknown }

function isSet(value: Inspected | undefined): boolean {
  return [value?.globalValue, value?.workspaceValue, value?.workspaceFolderValue].some(it => it !== undefined)
}
