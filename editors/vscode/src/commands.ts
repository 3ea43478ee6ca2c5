import { commands, window } from 'vscode'
import { ExecuteCommandRequest, type LanguageClient } from 'vscode-languageclient/node'
import * as protocol from './protocol'

export const KEY = /^[A-Za-z0-9_-]{1,400}$/

/** Asks which feature to launch, with the one at the cursor, or of the brief that is open, written already. */
export async function launch(client: LanguageClient): Promise<void> {
  const uri = uriHere(client)
  const key = await window.showInputBox({
    title: 'Flagline: Launch Feature',
    prompt: 'The key of the feature; you see what it makes in PostHog before anything is made',
    value: await keyHere(client),
    validateInput: it => (KEY.test(it) ? undefined : 'Letters, digits, _ and -, at most 400'),
  })
  if (key !== undefined) await execute(client, 'flagline.launch', { key, uri })
}

/** Asks which flag to follow; the server then asks who is told. */
export async function followFlag(client: LanguageClient): Promise<void> {
  await withKey(client, 'Flagline: Follow Flag', 'The key of the flag; you choose who is told what happens to it', 'flagline.follow')
}

/** Asks which flag somebody follows no more; the server then asks who. */
export async function unfollowFlag(client: LanguageClient): Promise<void> {
  await withKey(client, 'Flagline: Unfollow Flag', 'The key of the flag; you choose who is told no more', 'flagline.unfollow')
}

/** Asks which feature to review; the server shows what came of it, and asks for a word on it. */
export async function reviewFeature(client: LanguageClient): Promise<void> {
  await withKey(client, 'Flagline: Review Feature', 'The key of the feature; you see what came of it first', 'flagline.review')
}

async function withKey(client: LanguageClient, title: string, prompt: string, command: string): Promise<void> {
  const uri = uriHere(client)
  const value = await keyHere(client)
  const key = await window.showInputBox({ title, prompt, value })
  if (key) await execute(client, command, { key, uri })
}

/** Lets the user choose one of the server's items, by its place. */
export async function pick({ title, items }: protocol.Choices): Promise<number | null> {
  const shown = items.map((it, at) => ({ ...it, at }))
  const chosen = await window.showQuickPick(shown, { title, ignoreFocusOut: true })
  return chosen?.at ?? null
}

/** Asks which flag to remove, with the one at the cursor written already, and what to keep of it. */
export async function removeFlag(client: LanguageClient): Promise<void> {
  const uri = uriHere(client)
  const key = await window.showInputBox({
    title: 'Flagline: Remove Flag',
    prompt: 'The key of the flag to remove from the code',
    value: await keyHere(client),
  })
  if (!key) return
  const keep = await window.showInputBox({
    title: `Flagline: Remove Flag '${key}'`,
    prompt: 'What stays: on, off or a variant; empty: what PostHog serves to everyone',
  })
  if (keep !== undefined) await execute(client, 'flagline.clean', { key, keep: keep === '' ? undefined : keep, uri })
}

/** Opens the flag at the cursor, or else the list of flags. */
export async function open(client: LanguageClient): Promise<void> {
  const uri = uriHere(client)
  const flag = await flagHere(client)
  await execute(client, 'flagline.open', { key: flag?.key, uri })
}

/** Opens the page with all features of the folder that is looked at. */
export async function showStatus(client: LanguageClient): Promise<void> {
  await execute(client, 'flagline.status', { uri: uriHere(client) })
}

/** The commands that a server announces belong to the language client; these are the same, for the palette. */
export async function execute(client: LanguageClient, command: string, ...given: unknown[]): Promise<void> {
  await client.sendRequest(ExecuteCommandRequest.type, { command, arguments: given })
}

export async function showReferencesHere(): Promise<void> {
  await commands.executeCommand('editor.action.goToReferences')
}

/** The key of the flag at the cursor (in a brief its own, wherever that is), or what is selected; empty where there is neither. */
export async function keyHere(client: LanguageClient): Promise<string> {
  const editor = window.activeTextEditor
  const selected = editor?.document.getText(editor.selection).trim() ?? ''
  const flag = await flagHere(client)
  return flag?.key ?? (KEY.test(selected) ? selected : '')
}

/** The document that says which folder, and so which project, is meant. */
export function uriHere(client: LanguageClient): string | undefined {
  const document = window.activeTextEditor?.document
  return document === undefined ? undefined : client.code2ProtocolConverter.asUri(document.uri)
}

async function flagHere(client: LanguageClient): Promise<protocol.FlagAt | null> {
  const editor = window.activeTextEditor
  if (editor === undefined) return null
  const convert = client.code2ProtocolConverter
  const textDocument = convert.asTextDocumentIdentifier(editor.document)
  try {
    return await client.sendRequest(protocol.flagAt, { textDocument, position: convert.asPosition(editor.selection.active) })
  } catch {
    // Not a file that the server looks at.
    return null
  }
}
