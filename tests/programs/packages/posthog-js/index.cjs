// Stands in for posthog-js: notes what it is asked for, and says yes to everything.
const note = (method, answer) => (key) => {
  globalThis.asked.push([method, key])
  return answer
}

class PostHog {
  init = () => this
  isFeatureEnabled = note('isFeatureEnabled', true)
  getFeatureFlag = note('getFeatureFlag', 'test')
  getFeatureFlagPayload = note('getFeatureFlagPayload', {})
  getFeatureFlagResult = note('getFeatureFlagResult', { enabled: true })
}

exports.PostHog = PostHog
exports.posthog = exports.default = new PostHog()
