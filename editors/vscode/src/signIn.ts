import { env, QuickInputButtons, ThemeIcon, Uri, window, type QuickPickItem } from 'vscode'
import type { LanguageClient } from 'vscode-languageclient/node'
import type { Credentials } from './credentials'
import { conceal } from './output'
import { chooseProject } from './project'
import * as protocol from './protocol'

type Place = QuickPickItem & { host?: string }

const CLOUDS: Place[] = [
  { label: 'PostHog US Cloud', description: 'us.posthog.com', host: 'https://us.posthog.com' },
  { label: 'PostHog EU Cloud', description: 'eu.posthog.com', host: 'https://eu.posthog.com' },
]
const READ =
  'user:read project:read feature_flag:read query:read activity_log:read experiment:read cohort:read early_access_feature:read event_definition:read property_definition:read integration:read organization_member:read'
const WRITE =
  'feature_flag:write dashboard:write insight:write session_recording_playlist:write experiment:write cohort:write early_access_feature:write survey:write alert:write hog_function:write annotation:write approvals:read'

/** Asks for a host and a key until PostHog takes them, then for a project if there is a choice. */
export async function signIn(client: LanguageClient, credentials: Credentials, status: protocol.Status): Promise<void> {
  const host = await askHost(status)
  if (host === undefined) return
  const signedIn = await askKey(host, async key => {
    const answer = await client.sendRequest(protocol.signIn, { host, key })
    await credentials.store(answer.host, key)
    return answer
  })
  if (signedIn === undefined) return
  await chooseProject(signedIn.host, signedIn.projects, status)
  // A key without the scope user:read does not say whose it is.
  const who = signedIn.user === null ? '' : ` as ${signedIn.user.email}`
  void window.showInformationMessage(`Flagline: signed in to ${bare(signedIn.host)}${who}.`)
}

async function askHost(status: protocol.Status): Promise<string | undefined> {
  const wanted = status.environments
    .map(it => it.host)
    .filter((host, at, all) => all.indexOf(host) === at && !CLOUDS.some(it => it.host === host))
    .map((host): Place => ({ label: bare(host), description: 'used by this workspace', host }))
  const other: Place = { label: 'Self-hosted…', description: 'another address' }
  const place = await window.showQuickPick([...wanted, ...CLOUDS, other], {
    title: 'Flagline: Sign In',
    placeHolder: 'Where is your PostHog?',
    ignoreFocusOut: true,
  })
  if (place !== other) return place?.host
  const address = await window.showInputBox({
    title: 'Flagline: Sign In',
    prompt: 'The address of your PostHog',
    placeHolder: 'https://posthog.example.com',
    ignoreFocusOut: true,
    validateInput: it => (it.trim() === '' ? 'An address such as https://posthog.example.com' : undefined),
  })
  return address?.trim()
}

/** An input box that stays until the key is taken or the user gives up. */
async function askKey(
  host: string,
  attempt: (key: string) => Promise<protocol.SignedIn>,
): Promise<protocol.SignedIn | undefined> {
  const page = { iconPath: new ThemeIcon('link-external'), tooltip: 'Open the page where keys are made' }
  const box = window.createInputBox()
  box.title = `Flagline: Sign In to ${bare(host)}`
  box.placeholder = 'Personal API key, phx_…'
  box.prompt = `Make one under Settings > Personal API keys, with the scopes ${READ}, and ${WRITE} to create features.`
  box.password = true
  box.ignoreFocusOut = true
  box.buttons = [page]
  try {
    return await new Promise(resolve => {
      const accept = async (): Promise<void> => {
        const key = box.value.trim()
        if (key === '' || box.busy) return
        conceal(key)
        box.busy = true
        try {
          resolve(await attempt(key))
        } catch (error) {
          box.validationMessage = error instanceof Error ? error.message : String(error)
        } finally {
          box.busy = false
        }
      }
      box.onDidAccept(() => void accept())
      box.onDidChangeValue(() => {
        box.validationMessage = undefined
      })
      box.onDidTriggerButton(button => {
        if (button !== QuickInputButtons.Back) void env.openExternal(keysPage(host))
      })
      box.onDidHide(() => {
        resolve(undefined)
      })
      box.show()
    })
  } finally {
    box.dispose()
  }
}

function keysPage(host: string): Uri {
  const scheme = /^(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/.test(host) ? 'http' : 'https'
  const base = host.includes('://') ? host : `${scheme}://${host}`
  return Uri.joinPath(Uri.parse(base), 'settings', 'user-api-keys')
}

/** Forgets the key of a host that is signed in; asks which one when there are several. */
export async function signOut(client: LanguageClient, credentials: Credentials): Promise<void> {
  const hosts = credentials.hosts()
  const [only, ...others] = hosts
  if (only === undefined) {
    void window.showInformationMessage('Flagline: you are not signed in.')
    return
  }
  const label = others.length === 0 ? only : await window.showQuickPick([...hosts], { title: 'Flagline: Sign Out of' })
  if (label === undefined) return
  await credentials.forget(label)
  await client.sendRequest(protocol.signOut, { host: label })
  void window.showInformationMessage(`Flagline: signed out of ${bare(label)}.`)
}

/** What another window did to the key of a host is done here, too. */
export async function follow(client: LanguageClient, credentials: Credentials, host: string): Promise<void> {
  const key = await credentials.get(host)
  await (key === undefined
    ? client.sendRequest(protocol.signOut, { host })
    : client.sendRequest(protocol.signIn, { host, key }))
}

function bare(host: string): string {
  return host.replace(/^https?:\/\//, '')
}
