// Runs programs in TypeScript and TSX. A line that comes in is a list of programs, `{ code, flags }`; the line that goes
// out says for each what it left in its trace. A program is a module with a function `main`.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const require = createRequire(process.argv[2])
const { transform } = require('esbuild')

// Values are told apart: undefined, null, false, 0 and ''.
function show(value) {
  if (value === null || typeof value !== 'object') {
    return typeof value === 'function' ? 'function' : typeof value === 'string' ? JSON.stringify(value) : String(value)
  }
  if (value instanceof Element) return render(value)
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
  if (typeof value.then === 'function') return 'promise'
  return `{${Object.entries(value).map(([name, it]) => `${name}: ${show(it)}`).join(', ')}}`
}

class Element {
  constructor(type, props) {
    this.type = type
    this.props = props
  }
}

const Fragment = Symbol('Fragment')

function h(type, props, ...children) {
  const all = { ...props }
  if (children.length === 1) all.children = children[0]
  if (children.length > 1) all.children = children
  return new Element(type, all)
}

function render(node) {
  if (node === null || node === undefined || typeof node === 'boolean') return ''
  if (Array.isArray(node)) return node.map(render).join('')
  if (!(node instanceof Element)) return typeof node === 'object' ? show(node) : String(node)
  const { children, ...props } = node.props
  if (node.type === Fragment) return render(children)
  if (typeof node.type === 'function') return render(node.type(node.props))
  const written = Object.entries(props).map(([name, it]) => ` ${name}=${show(it)}`)
  return `<${node.type}${written.join('')}>${render(children)}</${node.type}>`
}

/** What a program finds round it: the functions that log, and the SDK. */
function world(flags, trace) {
  const note = (what) => {
    // A cleaned program must not run for ever where the original did not.
    if (trace.push(what) > 5000) throw new Error('the trace is too long')
  }
  const log = (n, ...values) => note([n, ...values.map(show)].join(' '))
  const at = (n, value) => (note(String(n)), value)
  const ask = (key, pick) => {
    const flag = flags[key]
    if (flag.logs) note(`read ${key}`)
    return pick(flag)
  }
  const isOn = (key) => ask(key, (it) => it.value !== false)
  const variant = (key) => ask(key, (it) => it.value)
  const payload = (key) => ask(key, (it) => it.payload ?? undefined)
  const result = (key) =>
    ask(key, (it) => ({
      enabled: it.value !== false,
      variant: typeof it.value === 'string' ? it.value : undefined,
      payload: it.payload ?? undefined,
    }))
  const client = {
    isFeatureEnabled: isOn,
    getFeatureFlag: variant,
    getFeatureFlagPayload: payload,
    getFeatureFlagResult: result,
  }
  const later = Object.fromEntries(Object.entries(client).map(([name, it]) => [name, async (key) => it(key)]))
  const hooks = {
    useFeatureFlagEnabled: isOn,
    useFeatureFlagVariantKey: variant,
    useFeatureFlagPayload: payload,
    useFeatureFlagResult: result,
    PostHogFeature: ({ flag, match, children, fallback }) => {
      const value = variant(flag)
      if (match !== undefined && match !== value) return fallback ?? null
      return typeof children === 'function' ? children(payload(flag)) : children
    },
  }
  const names = {
    log,
    at,
    h,
    Fragment,
    isAdmin: true,
    isGuest: false,
    hasPlan: (n) => at(n, true),
    canEdit: (n) => at(n, false),
    useMemo: (make) => make(),
    useEffect: (run) => void run(),
    posthog: client,
    posthogServer: later,
    ...hooks,
  }
  const modules = {
    'posthog-js': { __esModule: true, default: client },
    'posthog-js/react': { __esModule: true, ...hooks, usePostHog: () => client },
  }
  return { names, require: (name) => modules[name] }
}

async function run({ flags }, code) {
  const trace = []
  const { names, require } = world(flags, trace)
  const module = { exports: {} }
  const all = { module, exports: module.exports, require, ...names }
  try {
    const start = new Function(...Object.keys(all), `'use strict';${code}`)
    start(...Object.values(all))
    trace.push(`returns ${show(await module.exports.main())}`)
  } catch (error) {
    const own = error?.constructor === Error ? ` ${error.message}` : ''
    trace.push(`throws ${error?.name}${own}`)
    if (error instanceof ReferenceError || error instanceof SyntaxError) return { trace, error: String(error) }
  }
  return { trace, error: null }
}

const options = { loader: 'tsx', format: 'cjs', jsx: 'transform', jsxFactory: 'h', jsxFragment: 'Fragment' }

for await (const line of createInterface({ input: process.stdin })) {
  const programs = JSON.parse(line)
  const compiled = await Promise.all(
    programs.map((it) => transform(it.code, { ...options, loader: it.loader }).catch((error) => ({ error }))),
  )
  const answers = []
  for (const [at, program] of programs.entries()) {
    const { code, error } = compiled[at]
    answers.push(error ? { trace: [], error: String(error.message) } : await run(program, code))
  }
  process.stdout.write(JSON.stringify(answers) + '\n')
}
