import { commands, window } from 'vscode'
import type { LanguageClient, Location, Position } from 'vscode-languageclient/node'

/** Shows the places of a lens; a single one is gone to. */
export async function showReferences(
  client: LanguageClient,
  uri: string,
  position: Position,
  locations: Location[],
): Promise<void> {
  const convert = client.protocol2CodeConverter
  const [only, ...others] = locations.map(it => convert.asLocation(it))
  if (only === undefined) return
  if (others.length === 0) {
    await window.showTextDocument(only.uri, { selection: only.range })
    return
  }
  const at = [convert.asUri(uri), convert.asPosition(position)]
  await commands.executeCommand('editor.action.showReferences', ...at, [only, ...others])
}
