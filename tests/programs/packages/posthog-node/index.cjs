// Stands in for posthog-node: notes what it is asked for, and says yes to everything.
const note = (method, answer) => (key) => {
  globalThis.asked.push([method, key])
  return answer
}

const later = (method, answer) => {
  const noted = note(method, answer)
  return async (key) => noted(key)
}

class Snapshot {
  only = () => this
  isEnabled = note('isEnabled', true)
  getFlag = note('getFlag', 'test')
  getFlagPayload = note('getFlagPayload', {})
}

// Every flag is on; that a promise looks for `then` is nobody's question.
const all = new Proxy(
  {},
  {
    get(_, name) {
      if (typeof name !== 'string' || name === 'then') return undefined
      globalThis.asked.push(['getAllFlags', name])
      return true
    },
  },
)

class PostHog {
  isFeatureEnabled = later('isFeatureEnabled', true)
  getFeatureFlag = later('getFeatureFlag', 'test')
  getFeatureFlagPayload = later('getFeatureFlagPayload', {})
  getAllFlags = async () => all
  evaluateFlags = async () => new Snapshot()
}

exports.PostHog = PostHog
