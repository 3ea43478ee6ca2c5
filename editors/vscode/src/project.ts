import { commands, ConfigurationTarget, Uri, window, workspace, type WorkspaceFolder } from 'vscode'
import type { LanguageClient } from 'vscode-languageclient/node'
import * as protocol from './protocol'
import { environmentHere } from './status'

/** The palette's way: asks the server what there is to choose from. */
export async function askProject(client: LanguageClient, status: protocol.Status, hosts: readonly string[]): Promise<void> {
  const meant = environmentHere(status) ?? (await askEnvironment(status))
  if (meant === undefined && status.environments.length > 0) return
  const current = meant?.host
  const host = current !== undefined && (hosts.length === 0 || hosts.includes(current)) ? current : hosts[0]
  if (host === undefined) return
  await chooseProject(host, await client.sendRequest(protocol.projects, { host }), status, true)
}

/** No file says whose project is meant: where the environments are of several hosts, the user does. */
async function askEnvironment(status: protocol.Status): Promise<protocol.Environment | undefined> {
  const [first, ...others] = status.environments
  if (others.every(it => it.host === first?.host)) return first
  const items = status.environments.map(environment => ({
    label: environment.project?.name ?? environment.name,
    description: environment.host,
    environment,
  }))
  const chosen = await window.showQuickPick(items, {
    title: 'Flagline: Choose Project',
    placeHolder: 'Which PostHog?',
    ignoreFocusOut: true,
  })
  return chosen?.environment
}

/**
 * Has the workspace use a project of a host. One that is the only one, and is what is used anyway, is not asked for;
 * where `flagline.toml` says what is used, that file is offered instead.
 */
export async function chooseProject(
  host: string,
  projects: readonly protocol.Project[],
  status: protocol.Status,
  always = false,
): Promise<void> {
  const file = await declaring()
  const isUsed = status.environments.some(it => it.host === host)
  if (file !== undefined) {
    if (always || !isUsed) await offer(file)
    return
  }
  const [only, ...others] = projects
  if (only === undefined) {
    void window.showWarningMessage('Flagline: this key can see no project.')
    return
  }
  const isChosen = always || others.length > 0
  const project = isChosen ? await pick(projects, status) : only
  if (project === undefined) return
  // Nothing is written that holds without being written, unless the user chose it.
  await write(isUsed ? undefined : host, isChosen ? project.id : undefined)
}

async function pick(
  projects: readonly protocol.Project[],
  status: protocol.Status,
): Promise<protocol.Project | undefined> {
  const current = (environmentHere(status) ?? status.environments[0])?.project?.id
  const items = projects.map(project => ({
    label: project.name,
    description: `${project.id}${project.id === current ? ' · current' : ''}`,
    project,
  }))
  const chosen = await window.showQuickPick(items, {
    title: 'Flagline: Choose Project',
    placeHolder: 'Whose flags does this code read?',
    ignoreFocusOut: true,
  })
  return chosen?.project
}

async function write(host: string | undefined, project: number | undefined): Promise<void> {
  if (host === undefined && project === undefined) return
  const hasFolder = (workspace.workspaceFolders ?? []).length > 0
  if (hasFolder && !workspace.isTrusted) {
    const manage = 'Manage Workspace Trust'
    const sentence = 'Flagline: which project this folder belongs to can be chosen once you trust the folder.'
    if ((await window.showWarningMessage(sentence, manage)) === manage) await commands.executeCommand('workbench.trust.manage')
    return
  }
  const target = hasFolder ? ConfigurationTarget.Workspace : ConfigurationTarget.Global
  const configuration = workspace.getConfiguration('flagline')
  if (host !== undefined) await configuration.update('host', host, target)
  if (project !== undefined) await configuration.update('project', project, target)
}

/** The `flagline.toml` that declares environments: of the root of the file that is looked at, or else of any. */
async function declaring(): Promise<Uri | undefined> {
  for (const folder of roots()) {
    const file = Uri.joinPath(folder.uri, 'flagline.toml')
    try {
      const text = new TextDecoder().decode(await workspace.fs.readFile(file))
      if (/^\s*\[\[\s*environment\s*\]\]/m.test(text)) return file
    } catch {
      // There is none in this root.
    }
  }
  return undefined
}

function roots(): readonly WorkspaceFolder[] {
  const document = window.activeTextEditor?.document
  const here = document && workspace.getWorkspaceFolder(document.uri)
  return here === undefined ? (workspace.workspaceFolders ?? []) : [here]
}

async function offer(file: Uri): Promise<void> {
  const open = 'Open flagline.toml'
  const sentence = 'Flagline: flagline.toml says which projects this code runs against.'
  if ((await window.showInformationMessage(sentence, open)) === open) await window.showTextDocument(file)
}
