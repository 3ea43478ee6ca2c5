import { window } from 'vscode'
import type { LanguageClient } from 'vscode-languageclient/node'
import { execute, KEY, keyHere, uriHere } from './commands'

/** What a move is called, by the end of its command. */
const TITLES = {
  promote: 'Promote Feature',
  stop: 'Stop Feature',
  resume: 'Resume Feature',
  rollBack: 'Roll Back Feature',
  finish: 'Finish Feature',
} as const

export type Way = keyof typeof TITLES

/** The feature that a move is about, and the document that says whose it is. */
export type Feature = { key: string; uri?: string }

/** Moves the rollout of the feature that the editor shows; where it shows none, asks which. The server asks before it writes. */
export async function move(client: LanguageClient, way: Way): Promise<void> {
  const uri = uriHere(client)
  const key = await keyToMove(client, way)
  if (key === undefined) return
  const feature = { key, ...(uri !== undefined && { uri }) }
  if (way === 'stop') await stop(client, feature)
  else await execute(client, `flagline.${way}`, feature)
}

/** Asks why a rollout is stopped, then has the server stop it. */
export async function stop(client: LanguageClient, feature: Feature): Promise<void> {
  const reason = await window.showInputBox({
    title: `Flagline: Stop Feature '${feature.key}'`,
    prompt: "Why? It stands on the flag's page until somebody resumes it, and is told to those who follow it; empty: by hand",
    placeHolder: 'videos do not load on iOS',
  })
  if (reason === undefined) return
  const why = reason.trim()
  await execute(client, 'flagline.stop', { ...feature, ...(why !== '' && { reason: why }) })
}

async function keyToMove(client: LanguageClient, way: Way): Promise<string | undefined> {
  const shown = await keyHere(client)
  if (KEY.test(shown)) return shown
  return window.showInputBox({
    title: `Flagline: ${TITLES[way]}`,
    prompt: 'The key of the feature; you see what changes and whom it touches before anything is written',
    validateInput: it => (KEY.test(it) ? undefined : 'Letters, digits, _ and -, at most 400'),
  })
}
