import { NotificationType, RequestType, type Position, type Range } from 'vscode-languageclient/node'

// The messages of docs/protocol.md.

export type Project = { id: number; name: string }

export type Environment = {
  name: string
  host: string
  state: 'signed-out' | 'loading' | 'ready' | 'trouble' | 'settings'
  project: Project | null
  message: string | null
  flags: number | null
  fetchedAt: string | null
  roots: string[]
}

export type Status = { readOnly: boolean; environments: Environment[] }

export type SignedIn = { host: string; user: { name: string; email: string } | null; projects: Project[] }

export type FlagAt = { key: string; range: Range; state: 'known' | 'unknown' | 'not-loaded' }

export type Release = 'auto-rollout' | 'ab-test'

export type MetricKind = 'trend' | 'funnel' | 'retention'

/** What the server suggests for a feature at a place. */
export type NewFeature = {
  key: string | null
  name: string | null
  owner: string | null
  events: string[]
  /** How the selection would be asked for; `null` when it cannot be wrapped, and `refused` says why. */
  wraps: string | null
  refused: string | null
  /** The version of the document that was looked at. */
  version: number | null
}

/** What `flagline.createFeature` takes; the code of `range` is wrapped in the flag's check. */
export type Wanted = {
  key: string
  name?: string
  owner?: string
  hypothesis?: string
  release?: Release
  metric?: { kind: MetricKind; events: string[] }
  uri?: string
  range?: Range
  /** The version of the document in which `range` means that code. */
  version?: number
}

/** What a person chooses from; the answer is the place of the item, or `null`. */
export type Choices = { title: string; items: { label: string; description: string }[] }

type At = { textDocument: { uri: string }; position: Position }

export const credential = new RequestType<{ host: string }, { key: string } | { key: null; hosts: string[] }, void>('flagline/credential')
export const signIn = new RequestType<{ host: string; key: string }, SignedIn, void>('flagline/signIn')
export const signOut = new RequestType<{ host: string }, null, void>('flagline/signOut')
export const projects = new RequestType<{ host?: string }, Project[], void>('flagline/projects')
export const flagAt = new RequestType<At, FlagAt | null, void>('flagline/flagAt')
export const newFeature = new RequestType<{ textDocument?: { uri: string }; range?: Range; name?: string }, NewFeature, void>('flagline/newFeature')
export const pick = new RequestType<Choices, number | null, void>('flagline/pick')
export const status = new NotificationType<Status>('flagline/status')
