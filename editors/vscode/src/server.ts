import { access, constants, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import * as path from 'node:path'
import { commands, env, Uri, window, workspace, type ExtensionContext } from 'vscode'

/** The program to run, or a sentence that says why there is none. */
export type Found = { command: string } | { problem: string }

const EXECUTABLE = process.platform === 'win32' ? 'flagline.exe' : 'flagline'
const HOW_TO_INSTALL = 'https://github.com/flagline/flagline#use-it'

/** The server's program: the one of the settings, the one inside the extension, the first on the PATH. */
export async function find(context: ExtensionContext): Promise<Found> {
  // VS Code leaves out what an untrusted folder says of this.
  const wanted = workspace.getConfiguration('flagline').get<string>('path', '').trim()
  if (wanted !== '') {
    const expanded = wanted.startsWith('~/') ? path.join(homedir(), wanted.slice(2)) : wanted
    const command = path.isAbsolute(expanded) ? expanded : await onPath(expanded)
    if (command !== undefined && (await isExecutable(command))) return { command }
    return { problem: `flagline.path is '${wanted}', and there is no program that can be run.` }
  }
  const bundled = context.asAbsolutePath(path.join('server', EXECUTABLE))
  const command = (await isExecutable(bundled)) ? bundled : await onPath(EXECUTABLE)
  if (command !== undefined) return { command }
  return { problem: 'The program flagline was not found: it is not inside this extension and not on the PATH.' }
}

/** Only absolute folders of the PATH count, or a repository could bring a program of that name. */
async function onPath(name: string): Promise<string | undefined> {
  if (name.includes('/') || name.includes('\\')) return undefined
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter(folder => path.isAbsolute(folder))
  for (const folder of folders) {
    const file = path.join(folder, name)
    if (await isExecutable(file)) return file
  }
  return undefined
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return (await stat(file)).isFile()
  } catch {
    return false
  }
}

/** Tells why there is no server, and what can be done. */
export async function explain(problem: string): Promise<void> {
  const [open, install] = ['Open Settings', 'How to Install']
  const chosen = await window.showErrorMessage(`Flagline: ${problem}`, open, install)
  if (chosen === open) await commands.executeCommand('workbench.action.openSettings', 'flagline.path')
  if (chosen === install) await env.openExternal(Uri.parse(HOW_TO_INSTALL))
}
