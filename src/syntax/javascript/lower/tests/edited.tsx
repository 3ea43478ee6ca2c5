import posthog, { type Properties as P } from 'posthog-js'
import * as flags from './flags'

// A comment with ä in it
export const NEW_NAV = 'new-nav'
const { a, 'b-c': d = 'e', ...rest } = flags.all()
let current: Record<string, P> = {}
export type Key = keyof typeof flags | 'extra'

export enum Flag {
  First = 'first',
  Second = `second`,
}

interface Props extends P {
  flag: Key
  on?: (name: string) => void
}

class Client extends flags.Base {
  #inner = posthog
  static shared?: Client
  constructor(private readonly key: string, host = 'h') {
    super(key)
    this.host = host
  }
  get flags() {
    return this.#inner.getAllFlags()
  }
  is = (key: Key) => this.flags[key] ?? false
}

export function short(x: Key) {
  return posthog.isFeatureEnabled(`b-${x}`) ? 'on' : x || 'off'
}

export default function Page({ flag, on }: Props) {
  const [state, setState] = useState<Key>('extra')
  const client = useMemo(() => new Client('k'), [])
  useEffect(() => {
    posthog.onFeatureFlags((names, variants) => {
      for (const name of names) {
        setState(variants[name] as Key)
      }
    })
    return () => on?.('gone')
  }, [on])
  if (client.is('first') && state !== 'extra') {
    var hoisted = posthog.getFeatureFlag(NEW_NAV)
    current[hoisted] ??= { seen: true }
  } else if (flag in client.flags) {
    switch (flag) {
      case 'a': {
        return <Empty flag="a" title={short(flag)} />
      }
      default:
        current = { ...current, [flag]: state }
    }
  }
  const rows = Object.entries(client.flags).map(([key, value]) => {
    const label = key + ': ' + String(value)
    return <tr key={key} onClick={() => setState(key)}>{label}</tr>
  })
  async function save(values: string[]) {
    try {
      await Promise.all(values.map((it) => fetch('/api/' + it)))
    } catch ({ message }) {
      console.error(message)
    }
  }
  function veryLong() {
    const text = [
      'one of the many lines that make this body longer than what is lowered at once',
      'two of the many lines that make this body longer than what is lowered at once',
      'three of the many lines that make this body longer than what is lowered at once',
      'four of the many lines that make this body longer than what is lowered at once',
      'five of the many lines that make this body longer than what is lowered at once',
      'six of the many lines that make this body longer than what is lowered at once',
      'seven of the many lines that make this body longer than what is lowered at once',
      'eight of the many lines that make this body longer than what is lowered at once',
      'nine of the many lines that make this body longer than what is lowered at once',
      'ten of the many lines that make this body longer than what is lowered at once',
      'eleven of the many lines that make this body longer than what is lowered at once',
      'twelve of the many lines that make this body longer than what is lowered at once',
      'thirteen of the many lines that make this body longer than what is lowered at once',
      'fourteen of the many lines that make this body longer than what is lowered at once',
      'fifteen of the many lines that make this body longer than what is lowered at once',
      'sixteen of the many lines that make this body longer than what is lowered at once',
      'seventeen of the many lines that make this body longer than what is lowered at once',
      'eighteen of the many lines that make this body longer than what is lowered at once',
      'nineteen of the many lines that make this body longer than what is lowered at once',
      'twenty of the many lines that make this body longer than what is lowered at once',
      'twenty-one of the many lines that make this body longer than what is lowered at once',
      'twenty-two of the many lines that make this body longer than what is lowered at once',
      'twenty-three of the many lines that make this body longer than what is lowered at once',
      'twenty-four of the many lines that make this body longer than what is lowered at once',
      'twenty-five of the many lines that make this body longer than what is lowered at once',
    ]
    return text.map((it) => posthog.capture(it))
  }
  return (
    <Layout {...rest} title={`${d}: ${a}`}>
      <table>{rows}</table>
      <PostHogFeature flag={NEW_NAV} match="control">
        <button disabled onClick={() => save(veryLong())}>Save</button>
      </PostHogFeature>
    </Layout>
  )
}
export { current as state, short as is } from './state'
module.exports.extra = rest
