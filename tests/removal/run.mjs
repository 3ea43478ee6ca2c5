// Runs the programs of each line that comes in and says what they did: `node run.mjs ESBUILD`.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const esbuild = createRequire(import.meta.url)(process.argv[2])
const SETTINGS = { format: 'cjs', jsx: 'automatic', target: 'node18', logLevel: 'silent' }
// What the flags give that are not removed; they tell when they are read.
const OTHERS = { other: true, third: 'blue', fourth: false, also: 'test' }
const MOST_LINES = 3000

process.on('unhandledRejection', () => {})

for await (const line of createInterface({ input: process.stdin })) {
  const { loader, jobs } = JSON.parse(line)
  const compiled = await Promise.all(jobs.map((job) => compile(job.code, loader)))
  const traces = []
  for (const [at, job] of jobs.entries()) traces.push(await run(job, compiled[at]))
  process.stdout.write(JSON.stringify({ traces }) + '\n')
}

async function compile(code, loader) {
  try {
    return (await esbuild.transform(code, { ...SETTINGS, loader })).code
  } catch (why) {
    return why
  }
}

async function run(job, code) {
  const trace = []
  if (code instanceof Error) return [`invalid: ${code.message}`]
  const modules = stubs(job, trace)
  const module = { exports: {} }
  try {
    new Function('require', 'module', 'exports', code)((name) => modules[name], module, module.exports)
    trace.push(show(await module.exports.main()))
  } catch (why) {
    const is_invalid = why instanceof ReferenceError || why instanceof SyntaxError
    trace.push(is_invalid ? `invalid: ${why.message}` : `thrown: ${why?.name ?? show(why)}`)
  }
  await new Promise((done) => setImmediate(done))
  return trace
}

function stubs(job, trace) {
  const tell = (text) => {
    if (trace.length > MOST_LINES) throw new Error('this goes on for ever')
    trace.push(text)
  }
  const flag = (method, key) => {
    if (key in job.quiet) return job.quiet[key]
    tell(`${method} ${key}`)
    return OTHERS[key]
  }
  const payload = (method, key) => {
    const value = flag(method, key)
    return (value === false ? undefined : key in job.quiet ? job.payload : { limit: 7 }) ?? undefined
  }
  const result = (method, key) => {
    const value = flag(method, key)
    const data = (value === false ? undefined : key in job.quiet ? job.payload : { limit: 7 }) ?? undefined
    return { enabled: value !== false, variant: typeof value === 'string' ? value : undefined, payload: data }
  }
  const posthog = {
    isFeatureEnabled: (key) => flag('isFeatureEnabled', key) !== false,
    getFeatureFlag: (key) => flag('getFeatureFlag', key),
    getFeatureFlagPayload: (key) => payload('getFeatureFlagPayload', key),
    getFeatureFlagResult: (key) => result('getFeatureFlagResult', key),
  }
  class PostHog {
    isFeatureEnabled = async (key) => posthog.isFeatureEnabled(key)
    getFeatureFlag = async (key) => posthog.getFeatureFlag(key)
    getFeatureFlagPayload = async (key) => posthog.getFeatureFlagPayload(key)
    getFeatureFlagResult = async (key) => posthog.getFeatureFlagResult(key)
  }
  const hooks = {
    useFeatureFlagEnabled: posthog.isFeatureEnabled,
    useFeatureFlagVariantKey: posthog.getFeatureFlag,
    useFeatureFlagPayload: posthog.getFeatureFlagPayload,
    usePostHog: () => posthog,
  }
  const react = {
    Fragment: 'fragment',
    useEffect: (effect) => void effect(),
    useMemo: (make) => make(),
    useCallback: (callback) => callback,
    useState: (value) => [value, () => {}],
  }
  const jsx = (type, props) => ({ type, props })
  const own = {
    note: (...values) => tell(values.map(show).join(' ')),
    log: (number, value = number) => (tell(`log ${number}`), value),
    ticks: (number) => () => (tell(`tick ${number}`), number-- > 0),
    load: async (number) => (tell(`load ${number}`), number),
    render: (node) => tell(rendered(node)),
    user: { id: 'u', name: 'Ann', isAdmin: true, isStaff: false, tags: ['a', 'b'], plan: undefined },
  }
  return {
    'posthog-js': { __esModule: true, default: posthog, posthog },
    'posthog-js/react': hooks,
    'posthog-node': { PostHog },
    react,
    'react/jsx-runtime': { jsx, jsxs: jsx, Fragment: react.Fragment },
    './trace': own,
  }
}

function rendered(node) {
  if (node === null || node === undefined || typeof node === 'boolean') return ''
  if (Array.isArray(node)) return node.map(rendered).join('')
  if (typeof node !== 'object') return String(node)
  const { type, props } = node
  if (typeof type === 'function') return rendered(type(props))
  const { children, ...others } = props
  if (type === 'fragment') return rendered(children)
  const written = Object.entries(others).map(([name, value]) => ` ${name}=${show(value)}`)
  return `<${type}${written.join('')}>${rendered(children)}</${type}>`
}

/** A text that tells apart all values. */
function show(value) {
  if (Array.isArray(value)) return `[${Array.from(value, show).join(', ')}]`
  if (value instanceof Promise) return 'promise'
  if (value instanceof Error) return value.name
  if (value && typeof value === 'object') {
    return `{${Object.entries(value).map(([name, it]) => `${name}: ${show(it)}`).join(', ')}}`
  }
  if (typeof value === 'string') return JSON.stringify(value)
  return typeof value === 'function' ? 'function' : String(value)
}
