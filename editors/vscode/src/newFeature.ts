import { commands, QuickInputButtons, window, workspace, type QuickInput, type QuickInputButton, type QuickPickItem } from 'vscode'
import type { LanguageClient, Range } from 'vscode-languageclient/node'
import { execute, KEY, uriHere } from './commands'
import * as protocol from './protocol'

/** What is known before anything is asked; `range` is the cursor, or a selection that may be wrapped. */
export type Place = { key?: string | null; name?: string | null; uri?: string; range?: Range | null; version?: number | null }

/** What was answered so far; it stays when the user goes back. */
type Draft = {
  name: string
  /** `undefined` while it follows the name. */
  key: string | undefined
  /** What the server makes of the name; an empty text until it was asked. */
  suggestedKey: string
  hypothesis: string
  release: protocol.Release
  metric: protocol.MetricKind | undefined
  events: string[]
  wrap: boolean
}

type Way = 'on' | 'back' | 'cancel'
type At = { step: number; totalSteps: number }
type Question = (at: At) => Promise<Way>

/** Asks for a feature at the cursor, or round what is selected. */
export async function createFeature(client: LanguageClient): Promise<void> {
  const selection = window.activeTextEditor?.selection
  const uri = uriHere(client)
  await newFeature(client, {
    ...(uri !== undefined && { uri }),
    ...(selection !== undefined && { range: client.code2ProtocolConverter.asRange(selection) }),
  })
}

/** Asks step by step what the feature is, then has the server write its brief, and wrap the selection in its check. */
export async function newFeature(client: LanguageClient, place: Place = {}): Promise<void> {
  if (!workspace.isTrusted) {
    const manage = 'Manage Workspace Trust'
    const sentence = 'Flagline: features can be created once you trust the folder.'
    if ((await window.showWarningMessage(sentence, manage)) === manage) await commands.executeCommand('workbench.trust.manage')
    return
  }
  const { uri } = place
  const here = place.range ?? undefined
  const range = here === undefined || isEmpty(here) ? undefined : here
  const suggested = await client.sendRequest(protocol.newFeature, {
    ...(uri !== undefined && { textDocument: { uri } }),
    ...(here !== undefined && { range: here }),
  })
  const asked = await keyInCode(client, place)
  const key = asked ?? place.key ?? suggested.key ?? undefined
  const suggestedName = place.name ?? suggested.name ?? nameFor(key ?? '')
  const draft: Draft = {
    name: suggestedName,
    key: asked,
    suggestedKey: key ?? '',
    hypothesis: '',
    release: 'auto-rollout',
    metric: undefined,
    events: [],
    wrap: range !== undefined && suggested.wraps !== null,
  }
  const keyFor = async (name: string): Promise<string> => {
    if (name === suggestedName && key !== undefined) return key
    const made = await client.sendRequest(protocol.newFeature, { ...(uri !== undefined && { textDocument: { uri } }), name }).catch(() => null)
    return made?.key ?? ''
  }
  if (!(await askAll(() => questions(draft, suggested, keyFor, range !== undefined)))) return
  const { name, hypothesis, release, metric, events, wrap } = draft
  // The code may change while the user answers.
  const version = place.version ?? suggested.version
  const wanted: protocol.Wanted = {
    key: keyOf(draft),
    name,
    ...(suggested.owner !== null && { owner: suggested.owner }),
    ...(hypothesis !== '' && { hypothesis }),
    release,
    ...(metric !== undefined && { metric: { kind: metric, events: eventsOf(metric, events) } }),
    ...(uri !== undefined && { uri }),
    ...(wrap && range !== undefined && { range }),
    ...(wrap && range !== undefined && version !== null && { version }),
  }
  await execute(client, 'flagline.createFeature', wanted)
}

/** One after the other; which ones there are can depend on the answers. Answers whether the user came to the end. */
async function askAll(questions: () => Question[]): Promise<boolean> {
  for (let at = 0; ; ) {
    const all = questions()
    const question = all[at]
    if (question === undefined) return true
    const way = await question({ step: at + 1, totalSteps: all.length })
    if (way === 'cancel') return false
    at += way === 'on' ? 1 : -1
  }
}

function questions(
  draft: Draft,
  suggested: protocol.NewFeature,
  keyFor: (name: string) => Promise<string>,
  isSelected: boolean,
): Question[] {
  return [
    at => askText(at, {
      prompt: 'What is the feature called? As people say it',
      placeholder: 'Videos of offsetting projects',
      value: draft.name,
      refuse: name => (name === '' ? 'A name' : undefined),
      keep: name => (draft.name = name),
    }),
    async at => {
      draft.suggestedKey = await keyFor(draft.name)
      return askText(at, {
        prompt: 'The key of the flag, as code asks for it',
        placeholder: 'videos-of-offsetting-projects',
        value: keyOf(draft),
        refuse: key => (KEY.test(key) ? undefined : 'Letters, digits, _ and -, at most 400'),
        keep: key => (draft.key = key === '' || key === draft.suggestedKey ? undefined : key),
      })
    },
    at => askText(at, {
      prompt: 'What do you believe will come of it? Enter leaves it out',
      placeholder: 'Who sees what a project does offsets more often',
      value: draft.hypothesis,
      keep: hypothesis => (draft.hypothesis = hypothesis),
    }),
    at => choose(at, 'How does it reach people?', RELEASES, draft.release, release => (draft.release = release)),
    at => choose(at, 'What is it for? The key metric', metrics(draft.release), draft.metric, metric => (draft.metric = metric)),
    ...(draft.metric === undefined ? [] : [eventQuestion(draft, draft.metric, suggested.events)]),
    ...(isSelected ? [wrapQuestion(draft, suggested)] : []),
  ]
}

type Choice<T> = QuickPickItem & { means: T }

const RELEASES: Choice<protocol.Release>[] = [
  { label: 'Rollout in stages', detail: 'First the team, then more and more people, as long as the guards hold', means: 'auto-rollout' },
  { label: 'A/B test', detail: 'Some people get it, others do not, and the metric says which is better', means: 'ab-test' },
]
function metrics(release: protocol.Release): Choice<protocol.MetricKind | undefined>[] {
  const later = release === 'ab-test' ? 'An A/B test needs one before it is launched' : 'The brief can name one later'
  return [{ label: 'None yet', detail: later, means: undefined }, ...METRICS]
}

const METRICS: Choice<protocol.MetricKind | undefined>[] = [
  { label: 'Trend', detail: 'How often an event happens', means: 'trend' },
  { label: 'Funnel', detail: 'How many people who meet the feature take the steps after it', means: 'funnel' },
  { label: 'Retention', detail: 'How many people come back', means: 'retention' },
]

function wrapQuestion(draft: Draft, { wraps, refused }: protocol.NewFeature): Question {
  const leave: Choice<boolean> = { label: 'Leave the code as it is', means: false }
  if (wraps === null) {
    const why = refused ?? 'It cannot be wrapped'
    return at => choose(at, 'The selection is not wrapped', [{ ...leave, detail: why }], false, () => undefined)
  }
  const wrap: Choice<boolean> = { label: 'Wrap the selection', detail: `Asks ${wraps} for '${keyOf(draft)}'`, means: true }
  return at => choose(at, 'Is the selected code the feature?', [wrap, leave], draft.wrap, answer => (draft.wrap = answer))
}

/** The key that code there asks for already, and that stays whatever the feature is called. */
async function keyInCode(client: LanguageClient, { key, name, uri, range }: Place): Promise<string | undefined> {
  // The server names what it makes up; a key of the code comes alone.
  if (key != null) return name == null ? key : undefined
  if (uri === undefined || range == null) return undefined
  const found = await client.sendRequest(protocol.flagAt, { textDocument: { uri }, position: range.start }).catch(() => null)
  return found?.key
}

/** A name made of a key: `new-checkout` is `New checkout`. */
function nameFor(key: string): string {
  const words = key.replace(/[-_]+/g, ' ').trim()
  return words.slice(0, 1).toUpperCase() + words.slice(1)
}

function keyOf(draft: Draft): string {
  return draft.key ?? draft.suggestedKey
}

/** All steps of a funnel count, otherwise the first event: others were chosen for a funnel before. */
function eventsOf(metric: protocol.MetricKind, events: string[]): string[] {
  return metric === 'funnel' ? events : events.slice(0, 1)
}

type Text = {
  prompt: string
  placeholder: string
  value: string
  refuse?: (value: string) => string | undefined
  keep: (value: string) => unknown
}

function askText(at: At, { prompt, placeholder, value, refuse, keep }: Text): Promise<Way> {
  const box = window.createInputBox()
  box.prompt = prompt
  box.placeholder = placeholder
  box.value = value
  const leave = (way: Way): Way => {
    keep(box.value.trim())
    return way
  }
  return show(box, at, settle => {
    box.onDidChangeValue(() => {
      const typed = box.value.trim()
      box.validationMessage = typed === '' ? undefined : refuse?.(typed)
    })
    box.onDidAccept(() => {
      box.validationMessage = refuse?.(box.value.trim())
      if (box.validationMessage === undefined) settle(leave('on'))
    })
    box.onDidTriggerButton(() => {
      settle(leave('back'))
    })
  })
}

function choose<T>(at: At, placeholder: string, items: Choice<T>[], current: T, keep: (means: T) => unknown): Promise<Way> {
  const box = window.createQuickPick<Choice<T>>()
  box.placeholder = placeholder
  box.items = items
  box.activeItems = items.filter(it => it.means === current)
  return show(box, at, settle => {
    box.onDidAccept(() => {
      const [chosen] = box.selectedItems
      if (chosen === undefined) return
      keep(chosen.means)
      settle('on')
    })
    box.onDidTriggerButton(() => {
      settle('back')
    })
  })
}

type EventItem = QuickPickItem & { event?: string }

const DONE: EventItem = { label: '$(check) That is all', description: 'the funnel is complete' }
const LESS: EventItem = { label: '$(discard) Without the last step' }

/** Known events to choose from, and what is typed besides: one, or for a funnel as many as it has steps, in their order. */
function eventQuestion(draft: Draft, metric: protocol.MetricKind, seen: string[]): Question {
  const isFunnel = metric === 'funnel'
  // What PostHog itself sends whenever a page is looked at is the usual sign of coming back.
  const known = metric === 'retention' ? ['$pageview', ...seen.filter(it => it !== '$pageview')] : seen
  return at => {
    const box = window.createQuickPick<EventItem>()
    const draw = (): void => {
      const { events } = draft
      const typed = box.value.trim()
      const isTaken = (event: string): boolean => isFunnel && events.includes(event)
      const isNew = typed !== '' && !known.includes(typed) && !isTaken(typed)
      box.placeholder = isFunnel && events.length > 0 ? `${events.join(' → ')} → …` : EVENTS[metric]
      box.items = [
        ...(isFunnel && events.length > 0 && typed === '' ? [DONE, LESS] : []),
        ...known.filter(it => !isTaken(it)).map(event => ({ label: event, event })),
        ...(isNew ? [{ label: typed, description: 'not among the known events', event: typed, alwaysShow: true }] : []),
      ]
    }
    const [before] = isFunnel ? [] : draft.events
    if (before !== undefined && !known.includes(before)) box.value = before
    draw()
    box.activeItems = box.items.filter(it => it.event === before && before !== undefined)
    return show(box, at, settle => {
      box.onDidChangeValue(draw)
      box.onDidAccept(() => {
        const [chosen] = box.selectedItems
        // Nothing is selected when Enter was faster than the list.
        const event = chosen === undefined ? box.value.trim() : chosen.event
        if (chosen === DONE) {
          settle('on')
          return
        }
        if (chosen === LESS) draft.events.pop()
        if (event === undefined || event === '') {
          draw()
        } else if (isFunnel) {
          draft.events.push(event)
          box.value = ''
          draw()
        } else {
          draft.events = [event]
          settle('on')
        }
      })
      box.onDidTriggerButton(() => {
        settle('back')
      })
    })
  }
}

const EVENTS: Record<protocol.MetricKind, string> = {
  trend: 'Which event is counted? Choose one, or type its name',
  funnel: 'What is the first step after meeting the feature? Choose an event, or type its name',
  retention: 'Which event is coming back? Choose one, or type its name',
}

/** Shows a box until it is settled, or goes away. */
async function show(
  box: QuickInput & { buttons: readonly QuickInputButton[] },
  { step, totalSteps }: At,
  run: (settle: (way: Way) => void) => void,
): Promise<Way> {
  box.title = 'Flagline: Create Feature'
  box.step = step
  box.totalSteps = totalSteps
  box.ignoreFocusOut = true
  box.buttons = step > 1 ? [QuickInputButtons.Back] : []
  try {
    return await new Promise<Way>(resolve => {
      run(resolve)
      box.onDidHide(() => {
        resolve('cancel')
      })
      box.show()
    })
  } finally {
    box.dispose()
  }
}

function isEmpty({ start, end }: Range): boolean {
  return start.line === end.line && start.character === end.character
}
